"""What a Forge answers for its memory and its loading: all that its descendants may name anew."""

from __future__ import annotations

import torch
from backend import memory_management
from modules import sd_models


def device() -> torch.device:
    """Return where Forge computes."""
    where: torch.device = memory_management.get_torch_device()
    return where


def make_room() -> None:
    """Move Forge's own models off the device; it moves them back when it needs them."""
    memory_management.unload_all_models()


def tidy() -> None:
    """Give memory that nothing uses any more back to the device."""
    memory_management.soft_empty_cache()


def prepare_to_draw() -> None:
    """Tell Forge what to load where its page, which does so, was never built."""
    model_data = sd_models.model_data
    if hasattr(model_data, "forge_loading_parameters") and not model_data.forge_loading_parameters:
        from modules_forge import main_entry

        main_entry.refresh_model_loading_parameters()
