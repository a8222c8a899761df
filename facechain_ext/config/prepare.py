"""From uploads to training pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.config.option import Validated, option

Background = Literal["plain", "blur", "keep"]

_MEANT_FOR_PROMPTS = re.compile(r"[^\S ]|[,()\[\]{}<>:|\\]|\b(AND|BREAK)\b")
"""What prompts and captions read as something else than a word."""
_PLAIN = r"[^\s,()\[\]{}<>:|\\\u0000-\u001f\u007f-\u009f]"
PLAIN_WORDS = rf"^(?!.*\b(AND|BREAK)\b){_PLAIN}( *{_PLAIN})*$"
"""The same as one expression."""


@dataclass(frozen=True)
class PrepareConfig(Validated):
    """How uploads become training pictures."""

    trigger_word: str = option(
        "fcsks",
        label="Trigger word",
        longest=60,
        pattern=PLAIN_WORDS,
        help="The word that will stand for this person in prompts. Choose one with no meaning.",
    )
    size: int = option(
        512,
        label="Crop size",
        unit="px",
        minimum=128,
        maximum=2048,
        help="Side of the aligned crops. The crop is encoded at the checkpoint's own resolution.",
    )
    background: Background = option(
        "plain",
        label="Background",
        help="plain: one flat colour, so the LoRA learns the person and not the room. "
        "blur: keeps the light of the place. keep: only when the place itself should be learned.",
    )
    retouch: float = option(
        0.0,
        label="Skin retouch",
        minimum=0.0,
        maximum=1.0,
        help="Smooths skin gently. Leave at 0 for likeness: moles and lines are identity.",
    )
    min_face_px: int = option(
        64,
        label="Smallest face",
        unit="px",
        minimum=24,
        maximum=1024,
        help="Shorter side of the face box in the photo. Below about 64 px likeness suffers.",
    )
    main_face_ratio: float = option(
        4.0,
        label="Main face ratio",
        minimum=1.0,
        maximum=100.0,
        help="With several faces in a photo, the largest counts as the subject only when its area "
        "is at least this many times the next one's.",
    )
    keep_photos: bool = option(
        True,
        label="Keep the photos",
        help="Keeps the photos beside the crops that are made of them. Training and portraits need "
        "the crops alone.",
    )
    max_megapixels: float = option(
        80.0,
        label="Largest photo",
        unit="megapixels",
        minimum=1.0,
        maximum=400.0,
        help="Larger files are refused before they are decoded.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_plain("trigger_word", self.trigger_word)


def require_plain(name: str, word: str) -> None:
    """Raise InvalidInput where a field's value is more, or less, than plain words."""
    if word != word.strip() or not word:
        raise InvalidInput(f"{name} must be a word, with no space before or after it.")
    if found := _MEANT_FOR_PROMPTS.search(word):
        raise InvalidInput(
            f"{name} must be plain words, not {quoted(word)}: "
            f"{quoted(found[0])} means something else in prompts."
        )
