"""Forge's loader of ControlNets is told of the mini's, and of no other."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from facechain_ext.diffusion.checkpoint import MINI_COMPONENTS, read_config
from tools.mini.control_step import small_copy


@pytest.fixture
def kinds(webui: Any) -> Any:
    """What Forge tries, ours among them."""
    webui.module("modules_forge.supported_controlnet")
    from facechain_ext.webui.forge.mini_control import teach_forge

    teach_forge()
    teach_forge()
    return webui.module("modules_forge.shared").supported_control_models


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(read_config(MINI_COMPONENTS, "unet"))
        net = small_copy(unet)
    return {name: torch.empty(tensor.shape) for name, tensor in net.state_dict().items()}


def test_the_minis_is_built_in_forges_words(kinds: Any, state: dict[str, Tensor]) -> None:
    assert [kind.__name__ for kind in kinds] == ["FaceChainMiniControl", "ControlNetPatcher"]
    net = kinds[0].try_build_from_state_dict(state, "mini.safetensors").model_patcher.control_model
    assert net.described["channel_mult"] == [1, 2, 3, 3]
    assert (net.described["model_channels"], net.described["num_heads"]) == (64, 4)
    assert len(net.state) == len(state)
    assert {"input_hint_block.14.weight", "zero_convs.11.0.bias", "middle_block_out.0.weight"} <= {
        *net.state
    }
    assert net.state["time_embed.0.weight"].shape == (256, 64)


def test_others_are_left_to_forge(kinds: Any, state: dict[str, Tensor]) -> None:
    reads = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"
    other = {**state, reads: torch.empty(192, 768)}
    assert kinds[0].try_build_from_state_dict(other, "sd15.safetensors") is None
    assert kinds[0].try_build_from_state_dict({"lora_controlnet": torch.ones(1)}, "x") is None
