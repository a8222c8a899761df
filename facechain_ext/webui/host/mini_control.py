"""The mini's ControlNet in the words of the original, which the webuis' loaders are built on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from facechain_ext.diffusion.checkpoint import MINI_COMPONENTS, read_config
from facechain_ext.diffusion.control_choice import MINI_POSE, width_of
from facechain_ext.diffusion.control_files import original_names
from facechain_ext.nets.weights import bring

FIRST = "conv_in.weight"


def mini_config(state: Mapping[str, Tensor]) -> Mapping[str, Any] | None:
    """Return the mini's UNet config for a state of its ControlNet; None for any other's."""
    config = read_config(MINI_COMPONENTS, "unet")
    width = width_of({name: tensor.shape for name, tensor in state.items()})
    return config if FIRST in state and width == config["cross_attention_dim"] else None


def bring_mini_control(width: int, folder: Path) -> None:
    """Put the mini's ControlNet where the webui looks for them, for prompts as wide as the mini's.

    Raises WeightsMissing.
    """
    if width == read_config(MINI_COMPONENTS, "unet")["cross_attention_dim"]:
        bring(f"mini/{MINI_POSE}", folder)


def renamed(state: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return a state under the original's names."""
    with torch.device("meta"):
        names = original_names(UNet2DConditionModel.from_config(config))
    return {names[name]: tensor for name, tensor in state.items()}


def described(config: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the net as far as every loader calls things alike: attention in the middle alone."""
    widths = config["block_out_channels"]
    return {
        "in_channels": config["in_channels"],
        "model_channels": widths[0],
        "hint_channels": 3,
        "channel_mult": [width // widths[0] for width in widths],
        "num_heads": config["attention_head_dim"],  # diffusers' SD1 configs call it so
        "transformer_depth_middle": 1,
        "context_dim": config["cross_attention_dim"],
    }
