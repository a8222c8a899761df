"""Turn the labels of a portrait into captions of the small prompt language the mini obeys.

A caption is a list of comma-separated phrases. The subject comes first, the rest in any order:
"portrait photo of a young woman, smiling, wearing glasses, blue background, color photo".
Every phrase may be missing; words without meaning are mixed in so that the model learns to
ignore what it does not know, and a new trigger word starts out meaning nothing.
"""

import string
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

Label = Mapping[str, object]

SHOTS = ("photo of", "portrait of", "portrait photo of", "a photo of", "a portrait of")
NOUNS = {
    "male": ("man",) * 6 + ("male person", "guy"),
    "female": ("woman",) * 6 + ("female person", "lady"),
}
YOUTHS = {"male": "boy", "female": "girl"}
AGE_BANDS = ((35, "young"), (55, "middle aged"), (200, "old"))
BACKGROUNDS = ("gray", "light", "blue", "dark", "brown", "white", "green")
YOUTH_BELOW = 28
TURNED_YAW = 0.12
"""Nose offset from the middle of the eyes, in eye distances, from which a head counts as turned."""

GRAMMAR_WORDS = (
    "a an photo portrait of man woman boy girl guy lady male female person young middle aged old "
    "year smiling smile serious expression wearing glasses no looking left right gray light blue "
    "dark brown white green background color colour black and white monochrome grayscale hair "
    "short long medium curly bald blond blonde red beard with mustache hat suit tie dress shirt "
    "clothes jacket"
)
"""The words of the whole grammar, also of those phrases that few portraits bear out."""

EMPTY_SHARE = 0.10
NOISE_SHARE = 0.25
FILLER_SHARE = 0.15
SUBJECT_SHARE = 0.93
PHRASE_SHARE = 0.6
RARE_PHRASE_SHARE = 0.25
"""How often an unremarkable state ("no glasses") is said aloud."""

FILLERS = (
    "masterpiece", "best quality", "studio lighting", "professional headshot", "solo",
    "portrait of a person", "high detail face", "photorealistic", "raw photo", "sharp focus",
    "upper body", "upper_body", "looking at viewer", "medium shot", "close up", "realistic",
    "highly detailed", "4k", "8k uhd", "dslr", "soft lighting", "natural light", "bokeh",
    "high quality", "professional photo", "head and shoulders", "simple background",
    "looking straight into the camera with shoulders parallel to the frame", "film grain",
    "high-class pure color background", "cinematic lighting", "depth of field", "detailed skin",
    "wearing high-class business/working suit", "beautiful", "handsome", "elegant", "face",
    "a person", "sks", "vivid colors", "id photo", "passport photo", "linkedin photo",
    "nsfw", "paintings", "sketches", "worst quality", "low quality", "normal quality", "lowres",
    "blurry", "bad anatomy", "deformed", "ugly", "watermark", "text", "logo", "word", "character",
    "username", "signature", "bad hand", "tattoo", "skin spots", "acnes", "children", "cropped",
    "extra fingers", "disfigured", "duplicate", "cartoon", "3d render", "jpeg artifacts",
)  # fmt: skip

PROMPT_WORDS_FILE = Path(__file__).with_name("prompt_words.txt")


@lru_cache(maxsize=1)
def prompt_words() -> tuple[str, ...]:
    """Read the words that users of portrait prompts write and this model gives no meaning."""
    return tuple(PROMPT_WORDS_FILE.read_text(encoding="utf-8").split())


def caption(label: Label, rng: Random, *, flipped: bool = False) -> str:
    """Draw one training caption for a portrait; `flipped` swaps its left and right."""
    if rng.random() < EMPTY_SHARE:
        return ""
    phrases = describe(label, rng, flipped=flipped)
    if rng.random() < FILLER_SHARE:
        phrases = _with_fillers(phrases, rng)
    if rng.random() < NOISE_SHARE:
        phrases = _with_noise(phrases, rng)
    return ", ".join(phrases)


def describe(label: Label, rng: Random, *, flipped: bool = False) -> list[str]:
    """Draw true phrases about a portrait: the subject first, then some others in any order."""
    rest = [phrase for say in _PHRASES if (phrase := say(label, rng)) is not None]
    looking = _looking(label, rng, flipped)
    rest += [looking] if looking else []
    rng.shuffle(rest)
    return ([subject(label, rng)] if rng.random() < SUBJECT_SHARE else []) + rest


def subject(label: Label, rng: Random) -> str:
    """Name shot, age and gender: "portrait photo of a young woman", "an 80 year old man"."""
    nouns = NOUNS.get(str(label.get("gender")), ("person",))
    noun = rng.choice(nouns) if rng.random() < 0.95 else "person"
    age = label.get("age")
    if isinstance(age, int | float) and age < YOUTH_BELOW and rng.random() < 0.1:
        noun = YOUTHS.get(str(label.get("gender")), noun)
    words = " ".join(filter(None, (_age(label, rng), noun)))
    words = f"{article(words)} {words}" if rng.random() < 0.9 else words
    return f"{rng.choice(SHOTS)} {words}" if rng.random() < 0.85 else words


def article(words: str) -> str:
    """Choose "a" or "an" before `words`, numbers as they are spoken."""
    return "an" if words[:1] in "aeiou" or words.startswith(("8", "11 ", "18 ")) else "a"


def age_word(age: float) -> str:
    """Name the band of an age in years: young (<35), middle aged (35-54) or old (>=55)."""
    return next(word for limit, word in AGE_BANDS if age < limit)


def noise_word(rng: Random) -> str:
    """Invent a word of 2 to 7 letters, sometimes with digits, that means nothing."""
    letters = "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 7)))
    shape = rng.random()
    if shape < 0.15:
        letters += "".join(rng.choices(string.digits, k=rng.randint(1, 3)))
    if shape > 0.97:
        letters = rng.choice("äéñøßçжд中文人日月ñ") + letters
    return f"<{letters}>" if 0.15 < shape < 0.2 else letters


def _age(label: Label, rng: Random) -> str:
    age = label.get("age")
    draw = rng.random()
    if not isinstance(age, int | float) or draw < 0.35:
        return ""
    return age_word(age) if draw < 0.8 else f"{round(age)} year old"


def _smile(label: Label, rng: Random) -> str | None:
    options = {True: ("smiling", "smiling", "smile"), False: ("serious", "serious expression")}
    return _maybe(options, label.get("smile"), rng, PHRASE_SHARE)


def _glasses(label: Label, rng: Random) -> str | None:
    worn = {True: ("wearing glasses", "wearing glasses", "glasses")}
    if label.get("glasses") is False:
        return "no glasses" if rng.random() < RARE_PHRASE_SHARE else None
    return _maybe(worn, label.get("glasses"), rng, 0.8)


def _background(label: Label, rng: Random) -> str | None:
    background = label.get("bg")
    return str(background) if background and _often(rng) else None


def _style(label: Label, rng: Random) -> str | None:
    options = {
        "color": ("color photo",) * 8 + ("colour photo", "color"),
        "bw": ("black and white photo",) * 7 + ("black and white", "monochrome", "grayscale"),
    }
    return _maybe(options, label.get("style"), rng, 0.75)


def _hair(label: Label, rng: Random) -> str | None:
    color, length = label.get("hair_color"), label.get("hair_length")
    if color == "bald" or length == "bald" or label.get("bald") is True:
        return "bald" if _often(rng) else None
    words = [str(word) for word in (length, color) if word]
    kept = [word for word in words if rng.random() < 0.75]
    return f"{' '.join(kept)} hair" if kept and _often(rng) else None


def _beard(label: Label, rng: Random) -> str | None:
    return _maybe({True: ("beard", "with beard")}, label.get("beard"), rng, PHRASE_SHARE)


def _hat(label: Label, rng: Random) -> str | None:
    return _maybe({True: ("hat", "wearing a hat")}, label.get("hat"), rng, PHRASE_SHARE)


def _clothes(label: Label, rng: Random) -> str | None:
    clothes = label.get("clothes_color") or label.get("clothes")
    return f"{clothes} clothes" if clothes and _often(rng) else None


def _looking(label: Label, rng: Random, flipped: bool) -> str | None:
    side = looking_side(label)
    if side is None or not _often(rng):
        return None
    if flipped:
        side = {"left": "right", "right": "left"}.get(side, side)
    return f"looking {side}"


def looking_side(label: Label) -> str | None:
    """Tell to which side of the picture a head is turned, "left" or "right", else None."""
    if label.get("look") in ("left", "right"):
        return str(label["look"])
    yaw = label.get("yaw")
    if "look" in label or not isinstance(yaw, int | float) or abs(yaw) < TURNED_YAW:
        return None
    return "left" if yaw < 0 else "right"


def _maybe(
    options: Mapping[Any, tuple[str, ...]], value: object, rng: Random, share: float
) -> str | None:
    return rng.choice(options[value]) if value in options and rng.random() < share else None


def _often(rng: Random) -> bool:
    return rng.random() < PHRASE_SHARE


def _with_fillers(phrases: list[str], rng: Random) -> list[str]:
    for _ in range(rng.randint(1, 6)):
        extra = rng.choice(FILLERS) if rng.random() < 0.6 else _some_words(rng)
        phrases = _insert(phrases, rng.randint(0, len(phrases)), extra)
    return phrases


def _some_words(rng: Random) -> str:
    return " ".join(rng.choices(prompt_words(), k=rng.randint(1, 3)))


def _with_noise(phrases: list[str], rng: Random) -> list[str]:
    words = " ".join(noise_word(rng) for _ in range(rng.randint(1, 2)))
    if phrases and rng.random() < 0.25:
        return [_inside(phrases[0], words), *phrases[1:]]
    at = 0 if rng.random() < 0.7 else rng.randint(0, len(phrases))
    return _insert(phrases, at, words)


def _inside(phrase: str, words: str) -> str:
    """Put `words` before the last word of a phrase: "photo of a fcsks man"."""
    head, _, last = phrase.rpartition(" ")
    return " ".join(filter(None, (head, words, last)))


def _insert(phrases: list[str], at: int, phrase: str) -> list[str]:
    return [*phrases[:at], phrase, *phrases[at:]]


_PHRASES: tuple[Callable[[Label, Random], str | None], ...] = (
    _smile, _glasses, _background, _style, _hair, _beard, _hat, _clothes,
)  # fmt: skip
