"""From training pictures to a face LoRA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facechain_ext.config.option import Validated, option


@dataclass(frozen=True)
class TrainConfig(Validated):
    """How a face LoRA is trained."""

    max_train_steps: int | None = option(
        None,
        label="Steps",
        minimum=1,
        maximum=20000,
        help="Optimisation steps; auto: 200 for each photo, 1000 at most. More steps cost time, "
        "not likeness.",
    )
    train_batch_size: int = option(
        4,
        label="Batch size",
        minimum=1,
        maximum=64,
        help="Pictures per step. Larger is steadier and slower. Where memory is short, they are "
        "worked on in parts, with the same result.",
    )
    gradient_accumulation_steps: int = option(
        1,
        label="Gradient accumulation",
        unit="batches",
        minimum=1,
        maximum=64,
        help="Batches whose gradients are added up into one step: the effect of a larger batch in "
        "the memory of a small one.",
    )
    gradient_checkpointing: Literal["auto", "on", "off"] = option(
        "auto",
        label="Gradient checkpointing",
        help="Computes activations twice instead of keeping them: a third slower, a quarter of the "
        "memory. auto: only where the memory asks for it.",
    )
    low_memory: bool = option(
        False,
        label="Low memory",
        help="Takes the least memory that training can do with, whatever is free: one picture at a "
        "time, checkpointed, with the other parts of the model off the device.",
    )
    learning_rate: float | None = option(
        None,
        label="Learning rate",
        minimum=0.0,
        maximum=1.0,
        help="Peak rate of AdamW; auto: what suits the checkpoint (2e-4 for full-size ones, "
        "ten times that for the mini).",
    )
    rank: int = option(
        16,
        label="Rank",
        minimum=1,
        maximum=256,
        help="Size of the LoRA. 4 to 32 is enough for a face.",
    )
    alpha: float = option(
        16.0,
        label="Alpha",
        minimum=0.001,
        maximum=1024.0,
        help="The LoRA acts with strength alpha / rank.",
    )
    target_modules: Literal["auto", "attention", "all"] = option(
        "auto",
        label="Trained layers",
        help="attention: q, k, v and output of every attention. all: feed-forward, projections and "
        "residual convolutions too; small checkpoints need it. auto: what the checkpoint needs.",
    )
    face_prior: str = option(
        "",
        label="Face prior",
        help="File in the LoRA folder that the training begins from, made of many people by "
        "tools/face_prior.py for this checkpoint. Empty: from the plain checkpoint.",
    )
    text_encoder_lora: bool = option(
        False,
        label="Train the text encoder",
        help="Lets the LoRA change how prompts are read, too: worth a try where the trigger word "
        "does not take. Slower, needs more memory, and prompts may be obeyed less well. In "
        "AUTOMATIC1111 only for Stable Diffusion 1.x and without --medvram.",
    )
    lr_scheduler: Literal["cosine", "constant"] = option(
        "cosine",
        label="Schedule",
        help="How the learning rate falls over the run.",
    )
    lr_warmup_steps: int = option(
        10,
        label="Warm-up",
        unit="steps",
        minimum=0,
        maximum=2000,
        help="Steps over which the learning rate rises from 0.",
    )
    min_snr_gamma: float = option(
        5.0,
        label="Min-SNR gamma",
        minimum=0.0,
        maximum=100.0,
        help="Balances easy and hard noise levels (Hang et al. 2023). 0 turns it off.",
    )
    face_weight: float = option(
        3.0,
        label="Face weight",
        minimum=1.0,
        maximum=20.0,
        help="How much more an error on the face counts than one beside it. 1 turns it off.",
    )
    mask_background: bool = option(
        True,
        label="Ignore the background",
        help="Leaves everything outside the person out of the loss.",
    )
    crops_per_photo: int = option(
        4,
        label="Crops per photo",
        minimum=1,
        maximum=32,
        help="Random face crops of every photo, encoded once before training.",
    )
    random_flip: bool = option(
        True,
        label="Mirror",
        help="Adds mirrored crops. Turn off for very asymmetric faces.",
    )
    class_images: int = option(
        0,
        label="Class images",
        minimum=0,
        maximum=500,
        help="Pictures of people in general that the plain model draws before training and that "
        "the LoRA must not change, so that other people keep their faces. It costs time and "
        "likeness: with the mini, as much likeness as others are spared. 0 turns it off; 20 to "
        "100 is usual.",
    )
    prior_loss_weight: float = option(
        1.0,
        label="Prior loss weight",
        minimum=0.0,
        maximum=10.0,
        help="What the class images count together, in parts of what the photos count.",
    )
    noise_offset: float = option(
        0.0,
        label="Noise offset",
        minimum=0.0,
        maximum=1.0,
        help="Shifts the noise of whole pictures, so that very dark and bright ones are learned; "
        "0.05 to 0.1 is usual. 0 turns it off.",
    )
    caption_dropout: float = option(
        0.05,
        label="Caption dropout",
        minimum=0.0,
        maximum=1.0,
        help="Share of steps trained without a caption.",
    )
    prune_ratio: float = option(
        0.0,
        label="InfoBatch",
        minimum=0.0,
        maximum=0.9,
        help="Share of the pictures already learned that every pass leaves out; the others of them "
        "count for those (Qin et al. 2024). 0.5 takes up to a quarter less time, and likeness with "
        "it (bench/options.md). 0 turns it off.",
    )
    resolution: int | None = option(
        None,
        label="Resolution",
        unit="px",
        minimum=64,
        maximum=2048,
        help="Training resolution; auto: the checkpoint's own.",
    )
    snapshot_every: int = option(
        50,
        label="Snapshot every",
        unit="steps",
        minimum=1,
        maximum=5000,
        help="How often a snapshot is saved and its likeness measured on quick samples.",
    )
    samples_per_snapshot: int = option(
        4,
        label="Samples per snapshot",
        minimum=0,
        maximum=32,
        help="Quick pictures that judge a snapshot. 0 keeps the last snapshot unseen.",
    )
    state_every: int = option(
        100,
        label="Save progress every",
        unit="steps",
        minimum=1,
        maximum=20000,
        help="How often everything is saved that a run needs to go on after a crash. A run that is "
        "stopped saves it anyway.",
    )
    selection: Literal["best", "average", "last"] = option(
        "best",
        label="Keep",
        help="best: the snapshot with the highest likeness. average: the "
        "mean of the best three. last: no selection.",
    )
    save_precision: Literal["float32", "float16"] = option(
        "float32",
        label="Precision of the file",
        help="float16 halves the LoRA's file and moves pictures by less than anybody sees; float32 "
        "is exactly the snapshot whose likeness was measured.",
    )
    seed: int = option(
        42,
        label="Seed",
        minimum=0,
        maximum=2**32 - 1,
        help="The same seed repeats the run.",
    )
    private_lora: bool = option(
        False,
        label="Leave face and name out",
        help="The LoRA's file, prompt name and card tell only when it was trained: no name, no "
        "preview with a face. Webuis show LoRAs and their previews to whoever reaches the page.",
    )

    @property
    def total_steps(self) -> int:
        """Return the steps of a config that `with_steps` has settled."""
        assert self.max_train_steps is not None, "the steps are still automatic"
        return self.max_train_steps

    @property
    def pictures_per_step(self) -> int:
        return self.train_batch_size * self.gradient_accumulation_steps
