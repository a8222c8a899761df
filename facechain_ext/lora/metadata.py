"""What a LoRA's file says of itself, in the three vocabularies that programs read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from facechain_ext import __version__
from facechain_ext.base.host import Family, PredictionType
from facechain_ext.config import TrainConfig
from facechain_ext.lora.training_facts import Buckets, TrainingFacts, training_facts

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
    alias: what prompts may call it besides the file's name; empty for that name alone.
    captions: of the photos; mixed_precision: of activations, in sd-scripts' words.
    buckets: of the pictures of a style, whose name then stands for nobody; None for a face.
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
    alias: str = ""
    captions: tuple[str, ...] = ()
    mixed_precision: str = "no"
    buckets: Buckets | None = None

    def metadata(self) -> dict[str, str]:
        """Return all metadata but the hashes of the tensors, which `save_lora` adds."""
        return {
            **{f"ss_{key}": value for key, value in self._model().items()},
            **{f"ss_{key}": value for key, value in training_facts(self.training).items()},
            **{f"modelspec.{key}": value for key, value in self._modelspec().items()},
            **{f"facechain.{key}": value for key, value in self._facechain().items()},
        }

    @property
    def training(self) -> TrainingFacts:
        return TrainingFacts(
            config=self.config,
            folder=f"{self.photo_count}_{self.name}",
            photo_count=self.photo_count,
            captions=self.captions or (self.trigger_word,) * self.photo_count,
            step=max(self.steps),
            mixed_precision=self.mixed_precision,
            buckets=self.buckets,
        )

    def _model(self) -> dict[str, str]:
        """What sd-scripts tells of the checkpoint and of the file itself."""
        return {
            "base_model_version": BASE_VERSIONS[self.family, self.prediction_type],
            "clip_skip": "1" if self.family == "sd1" else "None",
            "new_sd_model_hash": self.checkpoint_sha256,
            "output_name": self.alias or self.name,
            "sd_model_hash": legacy_hash(self.checkpoint),
            "sd_model_name": self.checkpoint.name,
            "training_finished_at": str(self.finished.timestamp()),
            "training_started_at": str(self.started.timestamp()),
            "v2": str(self.family == "sd2"),
        }

    def _modelspec(self) -> dict[str, str]:
        """ModelSpec 1.0.1 (github.com/Stability-AI/ModelSpec)."""
        return {
            "sai_model_spec": "1.0.1",
            "architecture": ARCHITECTURES[self.family, self.prediction_type] + "/lora",
            "implementation": SGM if self.family == "sdxl" else "diffusers",
            "implementation_version": f"facechain/{__version__}",
            "title": self.alias or self.name,
            "description": f"{self._subject}, trained on {self.checkpoint.name}.",
            "resolution": f"{self.config.resolution}x{self.config.resolution}",
            "date": self.finished.replace(microsecond=0, tzinfo=None).isoformat(),
            "prediction_type": "v" if self.prediction_type == "v_prediction" else "epsilon",
            "trigger_phrase": self.trigger_word,
            "usage_hint": f"Write {self.trigger_word} in the prompt.",
        }

    @property
    def _subject(self) -> str:
        if self.buckets is not None:
            return f"A style, from {self.photo_count} pictures"
        return (
            f"A face, from {'1 photo' if self.photo_count == 1 else f'{self.photo_count} photos'}"
        )

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
