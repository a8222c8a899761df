"""From a face LoRA to ranked portraits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config.option import Validated, option

SMALLEST_SIDE = 64
SIDE_UNIT = 8
"""Pixels of a picture that one latent stands for."""
LONGEST_PICTURE = 600_000
"""Characters of a picture that is written as a text."""
_STRENGTH = (
    "How strongly it leads the drawing, where it is given; 1: as its ControlNet was trained."
)
_CONDITION = (
    "On the command line a picture whose {} is drawn by; elsewhere what ControlNets expect, made "
    "of it, as data:image/png;base64,..."
)


@dataclass(frozen=True)
class PortraitConfig(Validated):
    """How portraits are made, fused, filtered and ranked."""

    style: str = option("portrait", label="Style", help="Name of a style; see the style list.")
    prompt: str = option("", label="Prompt", help="Your own words, added to the style's.")
    negative_prompt: str = option(
        "", label="Negative prompt", help="What to avoid, added to the style's."
    )
    count: int = option(
        4, label="Portraits", minimum=1, maximum=50, help="How many ranked portraits you want."
    )
    candidates: float = option(
        2.0,
        label="Candidates per portrait",
        minimum=1.0,
        maximum=10.0,
        help="How many pictures are made for each one that is kept.",
    )
    steps: int = option(
        20, label="Sampling steps", minimum=1, maximum=150, help="20 to 30 is usual."
    )
    fast: bool = option(
        False,
        label="Fast",
        help="Draws in 6 to 8 steps with the sampler LCM and an LCM LoRA, several times as fast; "
        "steps, CFG scale and sampler are set to suit.",
    )
    guidance_scale: float | None = option(
        None,
        label="CFG scale",
        minimum=0.0,
        maximum=30.0,
        help="How strongly the prompt is followed; auto: the checkpoint's usual value.",
    )
    width: int | None = option(
        None,
        label="Width",
        unit="px",
        minimum=64,
        maximum=2048,
        help="auto: the checkpoint's own.",
    )
    height: int | None = option(
        None,
        label="Height",
        unit="px",
        minimum=64,
        maximum=2048,
        help="auto: the checkpoint's own.",
    )
    sampler_name: str | None = option(None, label="Sampler", help="auto: the host's usual one.")
    hires_scale: float = option(
        1.0,
        label="Hires scale",
        minimum=1.0,
        maximum=4.0,
        help="Above 1 every picture is drawn a second time that much larger. Slow; for full-size "
        "checkpoints in the webui.",
    )
    restore_faces: bool = option(
        False,
        label="Restore faces",
        help="The webui's CodeFormer or GFPGAN. Clears small faces up and costs likeness.",
    )
    lora_weight: float | None = option(
        None,
        label="LoRA weight",
        minimum=0.0,
        maximum=2.0,
        help="Strength of the person's LoRA; auto: the style's suggestion, or 1. 0 leaves it out.",
    )
    style_lora_weight: float | None = option(
        None,
        label="Style LoRA weight",
        minimum=0.0,
        maximum=2.0,
        help="Strength of the style's own LoRA, where it has one; auto: the style's suggestion.",
    )
    fusion_strength: float = option(
        0.7,
        label="Face fusion",
        minimum=0.0,
        maximum=1.0,
        help="How much of a photo's face is blended in; a style may allow less. 0 turns it off.",
    )
    pose: str = option(
        "",
        label="Pose",
        help="The pose to draw in: front, left, right, far-left, far-right, up, down, tilted-left, "
        "tilted-right; newest: as in their newest portrait; the name of a portrait's file; points, "
        "as portraits tell them; on the command line a picture of one person.",
    )
    pose_strength: float = option(
        1.0, label="Pose strength", minimum=0.0, maximum=2.0, help=_STRENGTH
    )
    depth: str = option("", label="Depth", longest=LONGEST_PICTURE, help=_CONDITION.format("depth"))
    depth_strength: float = option(
        1.0, label="Depth strength", minimum=0.0, maximum=2.0, help=_STRENGTH
    )
    canny: str = option(
        "", label="Hard edges", longest=LONGEST_PICTURE, help=_CONDITION.format("outline")
    )
    canny_strength: float = option(
        1.0, label="Hard edges strength", minimum=0.0, maximum=2.0, help=_STRENGTH
    )
    soft_edges: str = option(
        "", label="Soft edges", longest=LONGEST_PICTURE, help=_CONDITION.format("soft outline")
    )
    soft_edges_strength: float = option(
        1.0, label="Soft edges strength", minimum=0.0, maximum=2.0, help=_STRENGTH
    )
    control_start: float = option(
        0.0,
        label="Led from",
        minimum=0.0,
        maximum=1.0,
        help="Share of the steps after which pose, depth and edges begin to lead.",
    )
    control_end: float = option(
        1.0,
        label="Led until",
        minimum=0.0,
        maximum=1.0,
        help="Share of the steps after which they lead no more, and the rest is free.",
    )
    min_face_share: float = option(
        0.15,
        label="Smallest face",
        minimum=0.01,
        maximum=1.0,
        help="Longer side of the face over the shorter side of the picture.",
    )
    max_face_share: float = option(
        0.75,
        label="Largest face",
        minimum=0.01,
        maximum=1.0,
        help="Longer side of the face over the shorter side of the picture.",
    )
    output_size: Literal[512, 768, 1024, 2048] | None = option(
        None,
        label="Output size",
        unit="px",
        help="Longer side of the finished portraits; auto: as drawn. Never makes them smaller.",
    )
    seed: int = option(
        -1, label="Seed", minimum=-1, maximum=2**32 - 1, help="-1 draws a new one every time."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, side in (("width", self.width), ("height", self.height)):
            if side is not None and (side < SMALLEST_SIDE or side % SIDE_UNIT):
                raise InvalidInput(
                    f"{name} must be auto or a multiple of {SIDE_UNIT} from {SMALLEST_SIDE} on, "
                    f"not {side}."
                )
