"""Teach sd-webui-controlnet what the mini's ControlNet is: it takes one without "xl" for SD1.5's.

Its script calls a function that builds a net by guessing; that name, in the script's own module, is
given to one of ours, which knows the mini's and leaves all others to the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from modules import devices, scripts
from torch import Tensor

from facechain_ext.diffusion.checkpoint import MINI_COMPONENTS, read_config
from facechain_ext.diffusion.control_choice import width_of
from facechain_ext.diffusion.control_files import original_names

GUESS = "build_model_by_guess"
FIRST = "conv_in.weight"

Guess = Callable[[dict[str, Tensor], Any, str], Any]


def teach_extension() -> None:
    """Put our guess before the extension's, once for every time that it is loaded."""
    for script in scripts.scripts_data:
        guess = getattr(script.module, GUESS, None)
        if guess is not None and not hasattr(guess, "__wrapped__"):
            setattr(script.module, GUESS, _taught(guess))


def _taught(guess: Guess) -> Guess:
    @wraps(guess)
    def build(state: dict[str, Tensor], unet: Any, model_path: str) -> Any:
        config = read_config(MINI_COMPONENTS, "unet")
        width = width_of({name: tensor.shape for name, tensor in state.items()})
        if FIRST not in state or width != config["cross_attention_dim"]:
            return guess(state, unet, model_path)
        return _built(guess.__globals__, state, config)

    return build


def _built(its: Mapping[str, Any], state: dict[str, Tensor], config: Mapping[str, Any]) -> Any:
    """Build the net of the extension's own classes; its: the names beside its guess."""
    with torch.device("meta"):
        names = original_names(UNet2DConditionModel.from_config(config))
    renamed = {names[name]: tensor for name, tensor in state.items()}
    net = its["PlugableControlModel"](_described(config), renamed)
    net.to(devices.dtype_unet)
    return its["ControlModel"](net, its["ControlModelType"].ControlNet)


def _described(config: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the net in the extension's words: attention in the middle alone."""
    widths = config["block_out_channels"]
    return {
        "in_channels": config["in_channels"],
        "model_channels": widths[0],
        "hint_channels": 3,
        "num_res_blocks": config["layers_per_block"],
        "attention_resolutions": [],
        "channel_mult": [width // widths[0] for width in widths],
        "num_heads": config["attention_head_dim"],  # diffusers' SD1 configs call it so
        "transformer_depth": [0] * len(widths),
        "transformer_depth_middle": 1,
        "context_dim": config["cross_attention_dim"],
        "use_fp16": devices.dtype_unet == torch.float16,
    }
