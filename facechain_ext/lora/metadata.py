"""What a face LoRA's file says of itself, in the three vocabularies that programs read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from facechain_ext.base.host import Family, PredictionType
from facechain_ext.config import TrainConfig

Version = tuple[Family, PredictionType]

BASE_VERSIONS: dict[Version, str] = {
    ("sd1", "epsilon"): "sd_v1",
    ("sd1", "v_prediction"): "sd_v1_v",
    ("sd2", "epsilon"): "sd_v2",
    ("sd2", "v_prediction"): "sd_v2_v",
    ("sdxl", "epsilon"): "sdxl_base_v1-0",
    ("sdxl", "v_prediction"): "sdxl_base_v1-0",
}
"""ss_base_model_version as sd-scripts writes it (model_version in train_util.py and sdxl)."""

ARCHITECTURES: dict[Version, str] = {
    ("sd1", "epsilon"): "stable-diffusion-v1",
    ("sd1", "v_prediction"): "stable-diffusion-v1",
    ("sd2", "epsilon"): "stable-diffusion-v2-512",
    ("sd2", "v_prediction"): "stable-diffusion-v2-768-v",
    ("sdxl", "epsilon"): "stable-diffusion-xl-v1-base",
    ("sdxl", "v_prediction"): "stable-diffusion-xl-v1-base",
}
"""modelspec.architecture, to which "/lora" is added."""

SGM = "https://github.com/Stability-AI/generative-models"


@dataclass(frozen=True)
class LoraRecord:
    """A finished training, as its LoRA file tells it.

    config: as it was carried out: "auto", 0 and the like replaced by what they stood for.
    steps: the snapshots that were kept; similarity is their mean likeness, None if not measured.
    checkpoint_sha256: empty where the host has not computed it; full-size files take a while.
    """

    name: str
    person: str
    trigger_word: str
    photo_count: int
    config: TrainConfig
    steps: tuple[int, ...]
    similarity: float | None
    checkpoint: Path
    checkpoint_sha256: str
    family: Family
    prediction_type: PredictionType
    started: datetime
    finished: datetime
    weight: float = 1.0

    def metadata(self) -> dict[str, str]:
        """Return all metadata but the hashes of the tensors, which `save_lora` adds."""
        return {
            **{f"ss_{key}": value for key, value in self._sd_scripts().items()},
            **{f"modelspec.{key}": value for key, value in self._modelspec().items()},
            **{f"facechain.{key}": value for key, value in self._facechain().items()},
        }

    def _sd_scripts(self) -> dict[str, str]:
        """The keys that sd-scripts' train_network.py writes and the webuis read."""
        config = self.config
        tags = {f"{self.photo_count}_{self.name}": {self.trigger_word: self.photo_count}}
        return {
            "base_model_version": BASE_VERSIONS[self.family, self.prediction_type],
            "batch_size_per_device": str(config.train_batch_size),
            "cache_latents": "True",
            "flip_aug": str(config.random_flip),
            "learning_rate": str(config.learning_rate),
            "lr_scheduler": config.lr_scheduler,
            "lr_warmup_steps": str(config.lr_warmup_steps),
            "max_train_steps": str(config.max_train_steps),
            "min_snr_gamma": str(config.min_snr_gamma),
            "network_alpha": str(config.alpha),
            "network_args": json.dumps(self._network_args()),
            "network_dim": str(config.rank),
            "network_module": "networks.lora",
            "new_sd_model_hash": self.checkpoint_sha256,
            "num_train_images": str(self.photo_count),
            "optimizer": "torch.optim.adamw.AdamW",
            "output_name": self.name,
            "resolution": f"({config.resolution}, {config.resolution})",
            "sd_model_hash": legacy_hash(self.checkpoint),
            "sd_model_name": self.checkpoint.name,
            "seed": str(config.seed),
            "steps": str(max(self.steps)),
            "text_encoder_lr": str(config.learning_rate if config.text_encoder_lora else 0.0),
            "tag_frequency": json.dumps(tags, ensure_ascii=False),
            "training_finished_at": str(self.finished.timestamp()),
            "training_started_at": str(self.started.timestamp()),
            "unet_lr": str(config.learning_rate),
            "v2": str(self.family == "sd2"),
        }

    def _network_args(self) -> dict[str, str]:
        """sd-scripts names rank and alpha of the convolutions apart; theirs are the same here."""
        if self.config.target_modules == "attention":
            return {}
        return {"conv_dim": str(self.config.rank), "conv_alpha": str(self.config.alpha)}

    def _modelspec(self) -> dict[str, str]:
        """ModelSpec 1.0.0 (github.com/Stability-AI/ModelSpec)."""
        return {
            "sai_model_spec": "1.0.0",
            "architecture": ARCHITECTURES[self.family, self.prediction_type] + "/lora",
            "implementation": SGM if self.family == "sdxl" else "diffusers",
            "title": self.name,
            "resolution": f"{self.config.resolution}x{self.config.resolution}",
            "date": self.finished.replace(microsecond=0, tzinfo=None).isoformat(),
            "prediction_type": "v" if self.prediction_type == "v_prediction" else "epsilon",
            "trigger_phrase": self.trigger_word,
            "usage_hint": f"Write {self.trigger_word} in the prompt.",
        }

    def _facechain(self) -> dict[str, str]:
        return {
            "person": self.person,
            "trigger_word": self.trigger_word,
            "photo_count": str(self.photo_count),
            "similarity": "" if self.similarity is None else f"{self.similarity:.4f}",
            "snapshots": ",".join(map(str, self.steps)),
            "weight": f"{self.weight:g}",
            "train_config": json.dumps(asdict(self.config)),
        }


def legacy_hash(checkpoint: Path) -> str:
    """Return the webui's old checkpoint hash: 8 digits over 64 KiB; empty for a folder."""
    if not checkpoint.is_file():
        return ""
    with checkpoint.open("rb") as stream:
        stream.seek(0x100000)
        return hashlib.sha256(stream.read(0x10000)).hexdigest()[:8]
