"""From pictures of a look to a style's LoRA."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from facechain_ext.config.option import Validated, option
from facechain_ext.config.prepare import PLAIN_WORDS, require_plain
from facechain_ext.config.train import TrainConfig

STEPS_PER_PICTURE, FEWEST_STEPS, MOST_STEPS = 50, 500, 4000

CaptionSource = Literal["auto", "files", "tags", "none"]


def _as_for_a_face(name: str, default: Any, **changes: Any) -> Any:
    """Declare a field as TrainConfig has it, with a default that suits a style."""
    (told,) = (spec.metadata for spec in fields(TrainConfig) if spec.name == name)
    return field(default=default, metadata={**told, **changes})


@dataclass(frozen=True)
class TrainStyleConfig(Validated):
    """How a style's LoRA is trained."""

    trigger_word: str = option(
        "fclook",
        label="Trigger word",
        longest=60,
        pattern=PLAIN_WORDS,
        help="The word that will stand for this look in prompts. Choose one with no meaning.",
    )
    captions: CaptionSource = option(
        "auto",
        label="Captions",
        help="What new pictures are called. files: by the .txt beside each. tags: by the webui's "
        "tagger. none: by the trigger word alone. auto: the .txt where there is one, else the "
        "tagger where there is one.",
    )
    shot: str = option(
        "portrait photo of",
        label="Shot",
        longest=60,
        help="What portraits in this style are called before the person, such as 'oil painting "
        "of'. With 'photo' in it, drawn looks are avoided.",
    )
    style_weight: float = option(
        0.8,
        label="Style weight",
        minimum=0.0,
        maximum=2.0,
        help="Strength that the style suggests for its LoRA.",
    )
    most_fusion: float = option(
        1.0,
        label="Most face fusion",
        minimum=0.0,
        maximum=1.0,
        help="How much of a photo's face portraits in this style may have blended in; 0 for "
        "paintings and drawings, in which it would stand out.",
    )
    max_train_steps: int | None = _as_for_a_face(
        "max_train_steps",
        None,
        help=f"Optimisation steps; auto: {STEPS_PER_PICTURE} for each picture, at least "
        f"{FEWEST_STEPS} and at most {MOST_STEPS}.",
    )
    train_batch_size: int = _as_for_a_face("train_batch_size", 4)
    gradient_accumulation_steps: int = _as_for_a_face("gradient_accumulation_steps", 1)
    gradient_checkpointing: Literal["auto", "on", "off"] = _as_for_a_face(
        "gradient_checkpointing", "auto"
    )
    low_memory: bool = _as_for_a_face("low_memory", False)
    learning_rate: float | None = _as_for_a_face(
        "learning_rate",
        None,
        help="Peak rate of AdamW; auto: half of what a face is trained with on the checkpoint.",
    )
    rank: int = _as_for_a_face("rank", 32, help="Size of the LoRA. 16 to 64 is usual for a style.")
    alpha: float = _as_for_a_face("alpha", 32.0)
    target_modules: Literal["auto", "attention", "all"] = _as_for_a_face(
        "target_modules",
        "all",
        help="attention: q, k, v and output of every attention. all: feed-forward, projections and "
        "residual convolutions too, which brush strokes and grain need. auto: what the "
        "checkpoint needs for a face.",
    )
    text_encoder_lora: bool = _as_for_a_face("text_encoder_lora", False)
    lr_scheduler: Literal["cosine", "constant"] = _as_for_a_face("lr_scheduler", "cosine")
    lr_warmup_steps: int = _as_for_a_face("lr_warmup_steps", 10)
    min_snr_gamma: float = _as_for_a_face("min_snr_gamma", 5.0)
    random_flip: bool = _as_for_a_face(
        "random_flip",
        True,
        help="Adds every picture mirrored. Turn off where the look has writing or a side.",
    )
    noise_offset: float = _as_for_a_face("noise_offset", 0.0)
    caption_dropout: float = _as_for_a_face("caption_dropout", 0.1)
    resolution: int | None = _as_for_a_face("resolution", None)
    snapshot_every: int = _as_for_a_face(
        "snapshot_every",
        100,
        help="How often a snapshot is saved, and how near quick samples come to the look.",
    )
    samples_per_snapshot: int = _as_for_a_face("samples_per_snapshot", 4)
    state_every: int = _as_for_a_face("state_every", 100)
    selection: Literal["best", "average", "last"] = _as_for_a_face(
        "selection",
        "last",
        help="last: where the training ends. best: the snapshot whose samples come nearest to the "
        "look by colour and texture. average: the mean of the best three.",
    )
    save_precision: Literal["float32", "float16"] = _as_for_a_face("save_precision", "float16")
    seed: int = _as_for_a_face("seed", 42)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_plain("trigger_word", self.trigger_word)

    def steps_for(self, pictures: int) -> int:
        """Return the steps of a run on so many pictures."""
        if self.max_train_steps is not None:
            return self.max_train_steps
        return min(max(STEPS_PER_PICTURE * pictures, FEWEST_STEPS), MOST_STEPS)

    def training(self, pictures: int) -> TrainConfig:
        """Return what the trainer takes: the same without all that is about faces."""
        shared = {spec.name for spec in fields(TrainConfig)}
        told = {name: value for name, value in vars(self).items() if name in shared}
        return TrainConfig(
            **{**told, "max_train_steps": self.steps_for(pictures)},
            face_weight=1.0,
            mask_background=False,
            crops_per_photo=1,
        )
