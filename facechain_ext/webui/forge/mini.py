"""Teach Forge what the mini checkpoint is: its loader knows models by their widths.

Forge asks the package huggingface_guess for the first model class that matches a file, and reads
the components' configs from the folder that the class names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huggingface_guess import model_list
from safetensors import safe_open
from torch import Tensor

from facechain_ext.diffusion.checkpoint import MINI_COMPONENTS, read_config
from facechain_ext.webui.host.guarded import guarded

MINI_FILE = MINI_COMPONENTS / "facechain-mini.safetensors"
UNET = "model.diffusion_model."
NAME = "FaceChainMini"


def teach_forge() -> None:
    """Put the mini's class at the head of the list; may be called again."""
    forget()
    model_list.models.insert(0, _mini_class())


def forget() -> None:
    """Take the mini's class out again."""
    model_list.models[:] = [each for each in model_list.models if each.__name__ != NAME]


def _mini_class() -> type:
    """Make the class anew at every call: the webui may reload us, and keeps the list."""
    unet, base = read_config(MINI_COMPONENTS, "unet"), model_list.SD15
    widths = {
        "context_dim": unet["cross_attention_dim"],
        "model_channels": unet["block_out_channels"][0],
    }
    own_parts = guarded(with_own_parts, instead=dict)
    members = {
        "huggingface_repo": str(MINI_COMPONENTS),  # absolute: it wins over Forge's own folder
        "unet_config": {**base.unet_config, **widths},
        # diffusers' SD1 configs call the number of heads attention_head_dim.
        "unet_extra_config": {"num_heads": unet["attention_head_dim"], "num_head_channels": -1},
        # The last that Forge asks for before it builds the model.
        "process_vae_state_dict": lambda self, state_dict: own_parts(state_dict),
    }
    return type(NAME, (base,), members)


def with_own_parts(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keep the UNet and take everything else from the mini's file.

    Forge puts the VAE and text encoder that the user chose for other checkpoints into every one.
    """
    parts: dict[str, Any] = {k: v for k, v in state_dict.items() if k.startswith(UNET)}
    with safe_open(str(MINI_FILE), framework="pt") as file:
        for key in file.keys():  # noqa: SIM118
            if not key.startswith(UNET):
                parts[key] = file.get_tensor(key)
    return parts
