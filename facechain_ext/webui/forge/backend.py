"""What a Forge answers for its memory and its loading: all that its descendants name anew.

The three functions for the memory have one name in all of them.
"""

from __future__ import annotations

import torch
from modules import sd_models, shared

from facechain_ext.webui.host.capabilities import has

if has("backend.memory_management"):
    from backend import memory_management as memory
else:  # in reForge and Forge Classic
    from ldm_patched.modules import model_management as memory


def device() -> torch.device:
    """Return where Forge computes."""
    where: torch.device = memory.get_torch_device()
    return where


def make_room() -> None:
    """Move Forge's own models off the device; it moves them back when it needs them."""
    memory.unload_all_models()


def tidy() -> None:
    """Give memory that nothing uses any more back to the device."""
    memory.soft_empty_cache()


def clip_skip() -> int:
    """Return which of a text encoder's layers pictures are drawn with, counted from the last, 1.

    Forge Neo begins with 2, the others with 1.
    """
    return max(1, int(getattr(shared.opts, "CLIP_stop_at_last_layers", 1)))


def prepare_to_draw() -> None:
    """Tell Forge what to load where its page, which does so, was never built."""
    model_data = sd_models.model_data
    if hasattr(model_data, "forge_loading_parameters") and not model_data.forge_loading_parameters:
        from modules_forge import main_entry

        main_entry.refresh_model_loading_parameters()
