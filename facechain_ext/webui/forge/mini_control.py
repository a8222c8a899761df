"""Teach Forge what the mini's ControlNet is: its own loader knows ControlNets by their widths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from backend import memory_management
from backend.nn.cnets import cldm
from backend.operations import using_forge_operations
from backend.patcher.controlnet import ControlNet
from diffusers import UNet2DConditionModel
from modules_forge import shared as forge_shared
from modules_forge.supported_controlnet import ControlModelPatcher, ControlNetPatcher
from torch import Tensor

from facechain_ext.diffusion.checkpoint import MINI_COMPONENTS, read_config
from facechain_ext.diffusion.control_choice import width_of
from facechain_ext.diffusion.control_files import original_names

NAME = "FaceChainMiniControl"
FIRST = "conv_in.weight"


def teach_forge() -> None:
    """Put the mini's kind at the head of those that Forge tries; may be called again."""
    kinds = forge_shared.supported_control_models
    kinds[:] = [each for each in kinds if each.__name__ != NAME]
    members = {"try_build_from_state_dict": staticmethod(_patcher)}
    kinds.insert(0, type(NAME, (ControlModelPatcher,), members))


def _patcher(state: Mapping[str, Tensor], path: str) -> Any | None:
    """Return what Forge patches a UNet with; None for what is no ControlNet of the mini."""
    del path
    config = read_config(MINI_COMPONENTS, "unet")
    width = width_of({name: tensor.shape for name, tensor in state.items()})
    if FIRST not in state or width != config["cross_attention_dim"]:
        return None
    device = memory_management.get_torch_device()
    dtype = memory_management.unet_dtype()
    computed = memory_management.get_computation_dtype(device)
    with using_forge_operations(dtype=dtype, manual_cast_enabled=computed != dtype):
        net = cldm.ControlNet(**_described(config, dtype)).to(dtype=dtype)
    with torch.device("meta"):
        names = original_names(UNet2DConditionModel.from_config(config))
    net.load_state_dict({names[name]: tensor for name, tensor in state.items()})
    return ControlNetPatcher(ControlNet(net, load_device=device, manual_cast_dtype=computed))


def _described(config: Mapping[str, Any], dtype: torch.dtype) -> dict[str, Any]:
    """Describe the net in Forge's words: attention in the middle alone."""
    widths = config["block_out_channels"]
    blocks = config["layers_per_block"]
    return {
        "in_channels": config["in_channels"],
        "model_channels": widths[0],
        "hint_channels": 3,
        "num_res_blocks": [blocks] * len(widths),
        "channel_mult": [width // widths[0] for width in widths],
        "num_heads": config["attention_head_dim"],  # diffusers' SD1 configs call it so
        "use_spatial_transformer": True,
        "transformer_depth": [0] * (blocks * len(widths)),
        "transformer_depth_middle": 1,
        "context_dim": config["cross_attention_dim"],
        "dtype": dtype,
    }
