"""The mini as the loaders of Forge and its descendants know models: one class more in a list.

The class is told by the widths of a file's UNet, and the first that fits is taken.
"""

from __future__ import annotations

from typing import Any

from facechain_ext.diffusion.checkpoint import MINI_COMPONENTS, read_config

NAME = "FaceChainMini"


def mini_class(base: Any, members: dict[str, Any]) -> type:
    """Derive the mini's class from that of Stable Diffusion 1, with members of its own besides.

    To be made anew at every call: the webui may reload us, and keeps the list.
    """
    unet = read_config(MINI_COMPONENTS, "unet")
    widths = {
        "context_dim": unet["cross_attention_dim"],
        "model_channels": unet["block_out_channels"][0],
    }
    ours = {
        "unet_config": {**base.unet_config, **widths},
        # diffusers' SD1 configs call the number of heads attention_head_dim.
        "unet_extra_config": {"num_heads": unet["attention_head_dim"], "num_head_channels": -1},
    }
    return type(NAME, (base,), {**ours, **members})


def leave_out(known: list[Any]) -> None:
    """Take every such class out of a list, those of an earlier load of ours included."""
    known[:] = [each for each in known if each.__name__ != NAME]
