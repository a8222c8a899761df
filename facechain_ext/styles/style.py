"""What a style is: the words around a person, as one validated record."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.base.records import Gender
from facechain_ext.config.setting import LONGEST_TEXT, check_text

PERSON = "{person}"
"""Where the trigger word and the person's description go in a style's prompt."""

_NUMBERS = {"lora_weight": True, "style_lora_weight": False, "fusion_strength": True}
"""The fields that hold a number, and whether null will do."""

LONGEST_PREVIEW = 200_000
"""Letters of a preview: a picture of some hundred pixels."""

_LONGEST_NAME = 60
_PICTURE = re.compile(r"data:image/(jpeg|png|webp);base64,[A-Za-z0-9+/]+={0,2}")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NETWORK = re.compile(r"<\w+:[^>]*>")
_FILE_NAME = re.compile(r"[^\\/:<>|?*\"\x00-\x1f]*[^\\/:<>|?*\"\x00-\x1f. ]")


@dataclass(frozen=True)
class Style:
    """The words that make a kind of picture.

    name: lower-case words joined by hyphens; unique.
    prompt: comma-separated phrases, one of them `{person}`.
    shot: what comes before the person, "portrait photo of" or "oil painting of".
    genders: whom it suits; empty means everybody.
    lora_weight: suggested strength of the person's LoRA, 0..2; None: as configured.
    style_lora: a LoRA of the style's own, the name of its file in the host's LoRA folder.
    style_lora_weight: its strength, 0..2.
    fusion_strength: the most face fusion that suits it, 0..1; None: as configured.
    mini: whether the embedded mini checkpoint knows all the words that matter.
    base_model, licence: of its LoRA, in words.
    preview: a small picture as a data address; empty where there is none.
    """

    name: str
    title: str
    prompt: str
    negative_prompt: str = ""
    category: str = "own"
    shot: str = "portrait photo of"
    genders: tuple[Gender, ...] = ()
    lora_weight: float | None = None
    style_lora: str = ""
    style_lora_weight: float = 0.4
    fusion_strength: float | None = None
    mini: bool = False
    base_model: str = ""
    licence: str = ""
    preview: str = ""

    def __post_init__(self) -> None:
        if not _SLUG.fullmatch(self.name) or len(self.name) > _LONGEST_NAME:
            raise InvalidInput(
                f"A style's name is lower-case words joined by hyphens, at most {_LONGEST_NAME} "
                f"letters, not {quoted(self.name)}."
            )
        for spec in fields(self):
            if isinstance(text := getattr(self, spec.name), str):
                longest = LONGEST_PREVIEW if spec.name == "preview" else LONGEST_TEXT
                check_text(f"Style {self.name!r}: {spec.name}", text, longest=longest)
        self._require(bool(self.title.strip()), "needs a title")
        self._require(bool(self.shot.strip()), "needs a shot, such as 'portrait photo of'")
        self._require_one_person()
        self._require_plain_words()
        self._require_between("lora_weight", self.lora_weight, 2.0)
        self._require_between("style_lora_weight", self.style_lora_weight, 2.0)
        named = self.style_lora == "" or _FILE_NAME.fullmatch(self.style_lora) is not None
        self._require(
            named, f"needs a plain file name as style_lora, not {quoted(self.style_lora)}"
        )
        self._require_between("fusion_strength", self.fusion_strength, 1.0)
        pictured = not self.preview or _PICTURE.fullmatch(self.preview) is not None
        self._require(pictured, "needs a preview like data:image/jpeg;base64,...")

    @property
    def is_photo(self) -> bool:
        """Whether it imitates a photograph, rather than a painting or drawing."""
        return "photo" in self.shot

    def suits(self, gender: Gender | None) -> bool:
        """Tell whether the style is meant for this person; an unknown gender always passes."""
        return gender is None or not self.genders or gender in self.genders

    def _require_one_person(self) -> None:
        phrases = [phrase.strip() for phrase in self.prompt.split(",")]
        alone = phrases.count(PERSON) == 1 and self.prompt.count(PERSON) == 1
        self._require(alone, f"must have {PERSON} exactly once, between commas")

    def _require_plain_words(self) -> None:
        """Refuse what the webui would execute; a style must not switch networks on unseen."""
        for text in (self.prompt, self.negative_prompt, self.shot):
            found = _NETWORK.search(text)
            self._require(found is None, f"must not contain {quoted(found and found[0])}")

    def _require_between(self, name: str, value: float | None, high: float) -> None:
        inside = value is None or 0 <= value <= high
        self._require(inside, f"needs a {name} between 0 and {high:g}, not {quoted(value)}")

    def _require(self, condition: bool, problem: str) -> None:
        if not condition:
            raise InvalidInput(f"Style {self.name!r} {problem}.")


def parse_style(record: object) -> Style:
    """Make a style from a decoded JSON object; raise InvalidInput on anything unexpected."""
    if not isinstance(record, Mapping):
        told = quoted(record) if isinstance(record, str) else json.dumps(record)[:60]
        raise InvalidInput(f"A style is an object with a name and a prompt, not {told}.")
    known = {spec.name: spec for spec in fields(Style)}
    needed = {name for name, spec in known.items() if spec.default is MISSING}
    label = f"Style {quoted(record.get('name', '?'))}"
    if unknown := sorted(str(key)[:40] for key in record.keys() - known.keys()):
        raise InvalidInput(f"{label} has unknown fields: {', '.join(unknown[:5])}.")
    if missing := sorted(needed - record.keys()):
        raise InvalidInput(f"{label} lacks: {', '.join(missing)}.")
    return Style(**{name: _convert(label, name, value) for name, value in record.items()})


def as_record(style: Style) -> dict[str, Any]:
    """Return what a style file holds of a style: what differs from the defaults."""
    told = {spec.name: getattr(style, spec.name) for spec in fields(style)}
    defaults = {spec.name: spec.default for spec in fields(style)}
    kept = {name: value for name, value in told.items() if value != defaults[name]}
    if style.genders:
        kept["genders"] = [gender.value for gender in style.genders]
    return kept


def _convert(label: str, name: str, value: object) -> Any:
    """Check the JSON type of one field."""
    if name == "genders":
        return _genders(label, value)
    if name == "mini":
        expected, valid = "true or false", isinstance(value, bool)
    elif name in _NUMBERS:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        expected, valid = "a number", number or (value is None and _NUMBERS[name])
    else:
        expected, valid = "text", isinstance(value, str)
    if not valid:
        raise InvalidInput(f"{label}: {name} must be {expected}, not {quoted(value)}.")
    return value


def _genders(label: str, value: object) -> tuple[Gender, ...]:
    words = [gender.value for gender in Gender]
    if not isinstance(value, list) or not all(word in words for word in value):
        raise InvalidInput(f"{label}: genders must be a list of {words}, not {quoted(value)}.")
    return tuple(Gender(word) for word in value)
