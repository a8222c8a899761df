"""The extension sd-webui-controlnet is told of the mini's ControlNet, and of no other."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from facechain_ext.diffusion.checkpoint import MINI_COMPONENTS, read_config
from tests.webui.conftest import FAKES, Webui
from tools.mini.control_step import small_copy

EXTENSION = """
class PlugableControlModel:
    def __init__(self, config, state):
        self.config, self.state = config, state
    def to(self, dtype):
        pass

class ControlModelType:
    ControlNet = "ControlNet"

def ControlModel(model, kind):
    return model, kind

def build_model_by_guess(state, unet, model_path):
    return "guessed"
"""


@pytest.fixture
def script(webui: Webui) -> Any:
    """The extension's script, as the webui has loaded it, twice taught."""
    webui.module("modules").__path__.append(str(FAKES.parent / "a1111" / "modules"))
    module = ModuleType("controlnet.py")
    exec(EXTENSION, module.__dict__)
    data = webui.module("modules.scripts").scripts_data
    data += [SimpleNamespace(module=ModuleType("other.py")), SimpleNamespace(module=module)]
    from facechain_ext.webui.a1111.mini_control import teach_extension

    teach_extension()
    teach_extension()
    return module


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(read_config(MINI_COMPONENTS, "unet"))
        net = small_copy(unet)
    return {name: torch.empty(tensor.shape) for name, tensor in net.state_dict().items()}


def test_the_minis_is_built_in_its_words(script: Any, state: dict[str, Tensor]) -> None:
    net, kind = script.build_model_by_guess(state, None, "mini.safetensors")
    assert kind == "ControlNet"
    assert (net.config["model_channels"], net.config["channel_mult"]) == (64, [1, 2, 3, 3])
    assert (net.config["num_heads"], net.config["context_dim"]) == (4, 192)
    assert len(net.state) == len(state)
    assert "input_hint_block.14.weight" in net.state


def test_others_are_left_to_the_extension(script: Any, state: dict[str, Tensor]) -> None:
    reads = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"
    other = {**state, reads: torch.empty(192, 768)}
    assert script.build_model_by_guess(other, None, "sd15.safetensors") == "guessed"
    assert script.build_model_by_guess({"lora_controlnet": torch.ones(1)}, None, "x") == "guessed"


def test_it_is_taught_once(script: Any) -> None:
    assert not hasattr(script.build_model_by_guess.__wrapped__, "__wrapped__")
    assert "facechain_ext.webui.a1111.mini_control" in sys.modules
