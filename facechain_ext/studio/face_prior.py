"""The LoRA that a training begins from: found in the LoRA folder, and tried on the model."""

from __future__ import annotations

import os
from pathlib import Path

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import DiffusionModel
from facechain_ext.config import TrainConfig
from facechain_ext.lora.adapter import inject
from facechain_ext.lora.checkpoint import read_lora
from facechain_ext.lora.state import LoraState
from facechain_ext.training.memory import trained_layers
from facechain_ext.training.text_encoder import trained_text_encoders


def read_prior(config: TrainConfig, lora_dir: Path) -> LoraState | None:
    """Read the face prior that is asked for; links count by their names, wherever they lead.

    Raises InvalidInput for a file outside the LoRA folder and for what is no LoRA.
    """
    if not config.face_prior:
        return None
    folder = Path(os.path.abspath(lora_dir))  # noqa: PTH100 - resolve() would follow links
    path = Path(os.path.abspath(folder / config.face_prior))  # noqa: PTH100
    if not path.is_relative_to(folder):
        raise InvalidInput(f"face_prior must be a file in the LoRA folder, {folder}.")
    return read_lora(path)[0]


def try_prior(model: DiffusionModel, config: TrainConfig, prior: LoraState | None) -> None:
    """Raise InvalidInput where a training of this model cannot begin from a prior.

    config: resolved for the model, which is left as it was.
    """
    if prior is None:
        return
    with inject(
        model,
        trained_layers(model, config),
        rank=config.rank,
        alpha=config.alpha,
        seed=config.seed,
        text_encoders=trained_text_encoders(model, config),
    ) as adapter:
        adapter.start_from(prior)
