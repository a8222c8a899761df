"""Forge's memory: which device, and that its own models leave it when asked to."""

from __future__ import annotations

import torch

calls: list[str] = []


def get_torch_device() -> torch.device:
    return torch.device("cpu")


def unload_all_models() -> None:
    calls.append("unload_all_models")


def soft_empty_cache(force: bool = False) -> None:
    calls.append("soft_empty_cache")


def unet_dtype() -> torch.dtype:
    return torch.float32


def get_computation_dtype(device: torch.device) -> torch.dtype:
    return torch.float32
