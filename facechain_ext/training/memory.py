"""How a run fits the device: what is decided here, the stepper and the loop obey."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from facechain_ext.config import TrainConfig
from facechain_ext.host import DiffusionModel


@dataclass(frozen=True)
class Plan:
    """batch_size pictures a step; autocast: activations' dtype, None for the model's own;
    graph: whether to try a CUDA graph; fused: whether to try fused layers, which need a copy of
    frozen weights that are not in autocast's dtype."""

    batch_size: int
    autocast: torch.dtype | None
    graph: bool
    fused: bool = True


def plan(model: DiffusionModel, config: TrainConfig) -> Plan:
    """Choose a plan for the model's device and precision."""
    on_cuda = model.device.type == "cuda"
    return Plan(config.train_batch_size, _autocast(model), graph=on_cuda)


def _autocast(model: DiffusionModel) -> torch.dtype | None:
    """Choose the dtype of activations: in float16 gradients would vanish without loss scaling."""
    half = next(model.denoiser.parameters()).dtype in (torch.float16, torch.bfloat16)
    if not half:
        return None
    if model.device.type != "cuda" or torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float16
