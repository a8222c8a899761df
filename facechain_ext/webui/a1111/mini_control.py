"""Teach sd-webui-controlnet what the mini's ControlNet is: it takes one without "xl" for SD1.5's.

Its script calls a function that builds a net by guessing; that name, in the script's own module, is
given to one of ours, which knows the mini's and leaves all others to the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import torch
from modules import devices, scripts
from torch import Tensor

from facechain_ext.webui.host.mini_control import described, mini_config, renamed

GUESS = "build_model_by_guess"

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
        config = mini_config(state)
        if config is None:
            return guess(state, unet, model_path)
        return _built(guess.__globals__, state, config)

    return build


def _built(its: Mapping[str, Any], state: dict[str, Tensor], config: Mapping[str, Any]) -> Any:
    """Build the net of the extension's own classes; its: the names beside its guess."""
    net = its["PlugableControlModel"](_described(config), renamed(state, config))
    net.to(devices.dtype_unet)
    return its["ControlModel"](net, its["ControlModelType"].ControlNet)


def _described(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **described(config),
        "num_res_blocks": config["layers_per_block"],
        "attention_resolutions": [],
        "transformer_depth": [0] * len(config["block_out_channels"]),
        "use_fp16": devices.dtype_unet == torch.float16,
    }
