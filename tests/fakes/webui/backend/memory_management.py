"""Forge's memory: which device, and that its own models leave it when asked to."""

from __future__ import annotations

from typing import Any

import torch

calls: list[str] = []


def get_torch_device() -> torch.device:
    return torch.device("cpu")


def unload_all_models() -> None:
    calls.append("unload_all_models")


def soft_empty_cache(force: bool = False) -> None:
    calls.append("soft_empty_cache")


def unet_dtype(
    device: Any = None, model_params: Any = None, supported_dtypes: Any = None
) -> torch.dtype:
    return torch.float32


def get_computation_dtype(
    inference_device: torch.device, parameters: Any = None, supported_dtypes: Any = None
) -> torch.dtype:
    return torch.float32
