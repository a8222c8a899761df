"""Teach Forge what the mini's ControlNet is: its own loader knows ControlNets by their widths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from backend import memory_management
from backend.nn.cnets import cldm
from backend.operations import using_forge_operations
from backend.patcher.controlnet import ControlNet
from modules_forge import shared as forge_shared
from modules_forge.supported_controlnet import ControlModelPatcher, ControlNetPatcher
from torch import Tensor

from facechain_ext.webui.host.mini_control import described, mini_config, renamed

NAME = "FaceChainMiniControl"


def teach_forge() -> None:
    """Put the mini's kind at the head of those that Forge tries; may be called again."""
    kinds = forge_shared.supported_control_models
    kinds[:] = [each for each in kinds if each.__name__ != NAME]
    members = {"try_build_from_state_dict": staticmethod(_patcher)}
    kinds.insert(0, type(NAME, (ControlModelPatcher,), members))


def _patcher(state: Mapping[str, Tensor], path: str) -> Any | None:
    """Return what Forge patches a UNet with; None for what is no ControlNet of the mini."""
    del path
    config = mini_config(state)
    if config is None:
        return None
    device = memory_management.get_torch_device()
    dtype = memory_management.unet_dtype()
    computed = memory_management.get_computation_dtype(device)
    with using_forge_operations(dtype=dtype, manual_cast_enabled=computed != dtype):
        net = cldm.ControlNet(**_described(config, dtype)).to(dtype=dtype)
    net.load_state_dict(renamed(state, config))
    return ControlNetPatcher(ControlNet(net, load_device=device, manual_cast_dtype=computed))


def _described(config: Mapping[str, Any], dtype: torch.dtype) -> dict[str, Any]:
    levels, blocks = len(config["block_out_channels"]), config["layers_per_block"]
    return {
        **described(config),
        "num_res_blocks": [blocks] * levels,
        "use_spatial_transformer": True,
        "transformer_depth": [0] * (blocks * levels),
        "dtype": dtype,
    }
