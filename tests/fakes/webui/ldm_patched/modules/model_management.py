"""What backend.memory_management is called in reForge and Forge Classic."""

from __future__ import annotations

import torch

calls: list[str] = []


def get_torch_device() -> torch.device:
    return torch.device("cpu")


def unload_all_models() -> None:
    calls.append("unload_all_models")


def soft_empty_cache(force: bool = False) -> None:
    calls.append("soft_empty_cache")
