"""Prompts in the grammar of the training captions: what the LoRA learned to answer to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Attributes
from facechain_ext.config import PortraitConfig
from facechain_ext.dataset.captions import subject
from facechain_ext.styles.style import PERSON, Style

NEGATIVE = (
    "nsfw", "worst quality", "low quality", "lowres", "blurry", "deformed", "disfigured",
    "bad anatomy", "duplicate", "watermark", "signature", "text", "logo",
)  # fmt: skip
"""Avoided in every picture. Skin marks are not among them: moles and lines are identity."""

NOT_A_PHOTO = ("cartoon", "3d render", "paintings", "sketches")
_COLOURLESS = ("monochrome", "grayscale")

# What a caption says once, in its order; a later phrase of the same kind replaces an earlier one.
_KINDS = {
    "expression": re.compile(
        r"(big |slight )?(smiling|smile|laughing|serious|sad|surprised)( expression)?"
        r"|neutral expression"
    ),
    "glasses": re.compile(r"(no |wearing |with )*(sun)?glasses"),
    "looking": re.compile(r"looking (left|right|straight( into the camera)?|at (the )?viewer)"),
    "background": re.compile(r".* background"),
    "medium": re.compile(
        r"(black and white|colou?r|monochrome|grayscale|sepia)( photo(graph)?)?", re.IGNORECASE
    ),
}
_CUT = re.compile(r"\b(BREAK|AND|ADDCOL|ADDROW|ADDBASE|ADDCOMM)\b")
"""What divides a prompt for the webui: said more than once, maybe, and what follows stays there."""

_DRAWN_ANEW = re.compile(r"__|[{}|$]")
"""In wildcards and alternatives, which may turn out differently each time they are said."""

_PIECE = re.compile(r"\\.|<\w+:[^<>]*>|[^\\<()\[\]{},\n]+|.", re.DOTALL)
_WIDE_COMMA = re.compile("[，、；]")
_COLOUR = re.compile(r"colou?r")
_EMPHASIS = re.compile(r"[()\[\]]|:\s*[\d.]+\s*(?=[)\]])")


@dataclass(frozen=True)
class PromptParts:
    """A positive prompt taken apart; `said` holds at most one phrase of each kind."""

    person: tuple[str, ...]
    said: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def add(self, phrases: Iterable[str]) -> PromptParts:
        """Return the parts with more phrases; free words keep their order, and all after a cut."""
        said, words, cut = dict(self.said), list(self.words), False
        for phrase in phrases:
            kind = None if cut else _kind(phrase)
            cut = cut or _CUT.search(phrase) is not None
            if kind is not None:
                said[kind] = phrase
            elif _may_be_repeated(phrase) or phrase not in words:
                words.append(phrase)
        return replace(self, said=said, words=tuple(words))

    @property
    def phrases(self) -> tuple[str, ...]:
        """Everything in the order of the captions, then the free words."""
        described = tuple(self.said[kind] for kind in _KINDS if kind in self.said)
        return (*self.before, *self.person, *described, *self.words)


@dataclass(frozen=True)
class Prompt:
    """What to draw and what to avoid."""

    positive: str
    negative: str

    def __iter__(self) -> Iterator[str]:
        return iter((self.positive, self.negative))


def compose(
    attributes: Attributes,
    trigger_word: str,
    style: Style,
    config: PortraitConfig,
    looking: str | None = None,
) -> Prompt:
    """Put the person, a style and the user's words into one prompt.

    looking: where a pose has the head turned, in words, "" for the front; None without a pose.
    Of expression, glasses, turn, background and medium, the user's word wins over the style's and
    the style's over what the person usually wears; a pose's over the style's. Raises InvalidInput
    for a style of another gender.
    """
    if not style.suits(attributes.gender):
        meant = " or ".join(gender.value for gender in style.genders)
        raise InvalidInput(f"The style {style.name!r} is made for a {meant}.")
    before, after = _around_person(style.prompt)
    parts = PromptParts((trigger_word, f"{style.shot} {subject(attributes)}"), before=before)
    worn = ["wearing glasses"] if attributes.glasses else []
    if looking is not None:
        after = (*(phrase for phrase in after if _kind(phrase) != "looking"), looking)
    parts = parts.add([*worn, *filter(None, after), *_typed(config.prompt)])
    positive = ", ".join(parts.phrases)
    return Prompt(positive, _negative(parts, attributes, style, config))


def split_phrases(text: str) -> tuple[str, ...]:
    """Split at commas and line ends, but not inside (emphasis:1.2) or <lora:name:1>.

    A phrase with a comment (# to the end of the line) keeps the line end, where that is over.
    """
    phrases, depth, current = [], 0, ""
    for piece in _PIECE.findall(text):
        noted = "#" in current
        if not noted:
            depth = max(depth + (piece in ("(", "[", "{")) - (piece in (")", "]", "}")), 0)
        if piece == "\n" if noted else piece in (",", "\n") and depth == 0:
            phrases.append(current)
            current = ""
        else:
            current += piece
    stripped = (phrase.strip() for phrase in [*phrases, current])
    return tuple(f"{phrase}\n" if "#" in phrase else phrase for phrase in stripped if phrase)


def _typed(text: str) -> Iterator[str]:
    """Yield a user's phrases; parted at full-width commas only where a part is of a known kind."""
    for phrase in split_phrases(text):
        parts = [part.strip() for part in _WIDE_COMMA.split(phrase) if part.strip()]
        yield from parts if any(_kind(part) for part in parts) else [phrase]


def _may_be_repeated(phrase: str) -> bool:
    return _CUT.fullmatch(phrase) is not None or _DRAWN_ANEW.search(phrase) is not None


def _around_person(prompt: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    phrases = split_phrases(prompt)
    at = phrases.index(PERSON)
    return phrases[:at], phrases[at + 1 :]


def _kind(phrase: str) -> str | None:
    plain = _plain(phrase)
    return next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(plain)), None)


def _plain(phrase: str) -> str:
    """Strip the webui's emphasis: "(smiling:1.2)" becomes "smiling"."""
    return _EMPHASIS.sub("", phrase).strip().lower()


def _negative(
    parts: PromptParts, attributes: Attributes, style: Style, config: PortraitConfig
) -> str:
    """Join what every picture, the style and the user avoid, less what the prompt asks for."""
    in_colour = _COLOUR.match(_plain(parts.said.get("medium", "")))
    avoided = (
        *NEGATIVE,
        *(NOT_A_PHOTO if style.is_photo else ()),
        *(_COLOURLESS if in_colour else ()),
        *(("glasses",) if attributes.glasses is False and "glasses" not in parts.said else ()),
        *split_phrases(style.negative_prompt),
    )
    wanted = set(map(_plain, parts.phrases))
    kept = [phrase for phrase in avoided if _plain(phrase) not in wanted]
    words = PromptParts(tuple(dict.fromkeys(kept)))
    for phrase in split_phrases(config.negative_prompt):
        if _may_be_repeated(phrase) or phrase not in words.phrases:
            words = replace(words, words=(*words.words, phrase))
    return ", ".join(words.phrases)
