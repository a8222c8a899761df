"""People painted into a picture that exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facechain_ext.config.option import Validated, option

MaskKind = Literal["face", "hair", "head"]


@dataclass(frozen=True)
class TemplateConfig(Validated):
    """How the faces of a template are exchanged, judged and ranked."""

    mask: MaskKind = option(
        "face",
        label="Exchange",
        help="face: hair and outline stay the template's; hair: face and hair; head: the outline, "
        "too.",
    )
    strength: float = option(
        0.45,
        label="Strength",
        minimum=0.05,
        maximum=1.0,
        help="How freely each face is painted anew: low keeps to the template's light and pose.",
    )
    count: int = option(1, label="Pictures", minimum=1, maximum=20, help="How many you want.")
    candidates: int = option(
        4,
        label="Candidates per face",
        minimum=1,
        maximum=20,
        help="How many are painted of each face at a time; the most alike is kept.",
    )
    attempts: int = option(
        3,
        label="Attempts",
        minimum=1,
        maximum=10,
        help="How many times a face is painted again where no candidate is good enough.",
    )
    fusion_strength: float = option(
        0.9,
        label="Face fusion",
        minimum=0.0,
        maximum=1.0,
        help="How much of a photo's face is blended in. 0 turns it off.",
    )
    prompt: str = option("", label="Prompt", help="Your own words, for every face.")
    negative_prompt: str = option("", label="Negative prompt", help="What to avoid.")
    steps: int = option(
        20, label="Sampling steps", minimum=1, maximum=150, help="20 to 30 is usual."
    )
    guidance_scale: float | None = option(
        None,
        label="CFG scale",
        minimum=0.0,
        maximum=30.0,
        help="How strongly the prompt is followed; auto: the checkpoint's usual value.",
    )
    sampler_name: str | None = option(None, label="Sampler", help="auto: the host's usual one.")
    lora_weight: float | None = option(
        None,
        label="LoRA weight",
        minimum=0.0,
        maximum=2.0,
        help="Strength of each person's LoRA; auto: 1. 0 leaves it out.",
    )
    seed: int = option(
        -1, label="Seed", minimum=-1, maximum=2**32 - 1, help="-1 draws a new one every time."
    )
