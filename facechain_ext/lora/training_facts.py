"""How a training went, in the keys that sd-scripts writes and programs show (train_network.py)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from facechain_ext.config import TrainConfig

LEFT_OUT = (
    "adaptive_noise_scale",
    "face_crop_aug_range",
    "ip_noise_gamma",
    "max_token_length",
    "multires_noise_iterations",
    "network_dropout",
    "scale_weight_norms",
)
"""What sd-scripts can do besides, told as it tells what was not asked for."""


@dataclass(frozen=True)
class Buckets:
    """The sizes that pictures were trained at: width, height and how many pictures, each.

    shape_error: mean difference of width / height between pictures and their buckets.
    """

    counts: tuple[tuple[int, int, int], ...]
    shape_error: float

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Buckets:
        """Read what `asdict` gave; raises ValueError, KeyError or TypeError for something else."""
        counts = tuple((int(w), int(h), int(count)) for w, h, count in facts["counts"])
        return cls(counts, float(facts["shape_error"]))

    def told(self) -> str:
        """Return ss_bucket_info."""
        told = {
            str(number): {"resolution": [width, height], "count": count}
            for number, (width, height, count) in enumerate(self.counts)
        }
        return json.dumps({"buckets": told, "mean_img_ar_error": self.shape_error})


@dataclass(frozen=True)
class TrainingFacts:
    """What is known of a training besides its model.

    folder: what sd-scripts would call the photos' folder. step: of the snapshot that was kept.
    buckets: where pictures have several shapes; None where all are square crops.
    """

    config: TrainConfig
    folder: str
    photo_count: int
    captions: Sequence[str]
    step: int
    mixed_precision: str
    buckets: Buckets | None = None

    @property
    def images(self) -> int:
        """Pictures of an epoch: every photo as often as crops of it were taken."""
        return self.photo_count * self.config.crops_per_photo

    @property
    def batches(self) -> int:
        return ceil(self.images / self.config.train_batch_size)

    @property
    def steps_per_epoch(self) -> int:
        return ceil(self.batches / self.config.gradient_accumulation_steps)


def training_facts(facts: TrainingFacts) -> dict[str, str]:
    """Return the keys, without their "ss_", and values as text."""
    config = facts.config
    told: dict[str, object] = {
        **dict.fromkeys(LEFT_OUT),
        "cache_latents": True,
        "caption_dropout_every_n_epochs": 0,
        "caption_dropout_rate": config.caption_dropout,
        "caption_tag_dropout_rate": 0.0,
        "color_aug": False,
        "enable_bucket": facts.buckets is not None,
        "flip_aug": config.random_flip,
        "full_fp16": False,
        "gradient_accumulation_steps": config.gradient_accumulation_steps,
        "keep_tokens": 0,
        "learning_rate": config.learning_rate,
        "loss_type": "l2",
        "lr_scheduler": config.lr_scheduler,
        "lr_warmup_steps": config.lr_warmup_steps,
        "max_grad_norm": 1.0,
        "max_train_steps": config.total_steps,
        "min_snr_gamma": config.min_snr_gamma,
        "mixed_precision": facts.mixed_precision,
        "network_alpha": config.alpha,
        "network_args": json.dumps(_network_args(config)),
        "network_dim": config.rank,
        "network_module": "networks.lora",
        "noise_offset": config.noise_offset,
        "optimizer": "torch.optim.adamw.AdamW",
        "prior_loss_weight": config.prior_loss_weight,
        "random_crop": facts.buckets is None,
        "seed": config.seed,
        "shuffle_caption": False,
        "text_encoder_lr": config.learning_rate if config.text_encoder_lora else 0.0,
        "unet_lr": config.learning_rate,
        **_data(facts),
        **_bucketed(facts.buckets),
    }
    return {key: str(value) for key, value in told.items()}


def _data(facts: TrainingFacts) -> dict[str, object]:
    """What was trained on, and how often."""
    config, side = facts.config, facts.config.resolution
    repeats = {"n_repeats": config.crops_per_photo, "img_count": facts.photo_count}
    buckets = facts.buckets or Buckets(((side or 0, side or 0, facts.images),), 0.0)
    return {
        "batch_size_per_device": config.train_batch_size,
        "bucket_info": buckets.told(),
        "dataset_dirs": json.dumps({facts.folder: repeats}, ensure_ascii=False),
        "epoch": ceil(facts.step / facts.steps_per_epoch),
        "num_batches_per_epoch": facts.batches,
        "num_epochs": ceil(config.total_steps / facts.steps_per_epoch),
        "num_reg_images": config.class_images,
        "num_train_images": facts.images,
        "num_validation_images": 0,
        "reg_dataset_dirs": json.dumps({}),
        "resolution": f"({side}, {side})",
        "steps": facts.step,
        "tag_frequency": json.dumps({facts.folder: _frequencies(facts)}, ensure_ascii=False),
        "total_batch_size": config.train_batch_size * config.gradient_accumulation_steps,
    }


def _bucketed(buckets: Buckets | None) -> dict[str, object]:
    """How pictures were put into buckets."""
    if buckets is None:
        return {}
    sides = [side for width, height, _ in buckets.counts for side in (width, height)]
    return {
        "bucket_no_upscale": False,
        "max_bucket_reso": max(sides),
        "min_bucket_reso": min(sides),
    }


def _frequencies(facts: TrainingFacts) -> dict[str, int]:
    """Count in how many captions each phrase stands."""
    phrases = (part.strip().lower() for text in facts.captions for part in text.split(","))
    return dict(Counter(filter(None, phrases)))


def _network_args(config: TrainConfig) -> dict[str, str]:
    """Tell rank and alpha of the convolutions, named apart there; theirs are the same here."""
    if config.target_modules == "attention":
        return {}
    return {"conv_dim": str(config.rank), "conv_alpha": str(config.alpha)}
