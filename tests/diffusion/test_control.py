"""ControlNets beside the tiny UNet: in both layouts, and only where they should act."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel
from safetensors.torch import save_file

from facechain_ext.base.errors import InvalidInput
from facechain_ext.diffusion.control import ActiveControl, Controls, to_condition
from facechain_ext.diffusion.control_files import LDM_PREFIX, load_control, original_names
from facechain_ext.diffusion.diffusers_model import DiffusersModel


@pytest.fixture
def net(small_model: DiffusersModel) -> ControlNetModel:
    torch.manual_seed(0)
    made = ControlNetModel.from_unet(small_model.unet)
    for name, weight in made.named_parameters():
        if name.startswith("controlnet_"):
            torch.nn.init.normal_(weight, std=0.05)
    return made


def test_both_layouts_load_alike(
    small_model: DiffusersModel, net: ControlNetModel, tmp_path: Path
) -> None:
    state = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    names = original_names(small_model.unet)
    save_file(state, tmp_path / "diffusers.safetensors")
    save_file({LDM_PREFIX + names[k]: t for k, t in state.items()}, tmp_path / "ldm.safetensors")
    for file in ("diffusers", "ldm"):
        loaded = load_control(tmp_path / f"{file}.safetensors", small_model.unet).state_dict()
        assert loaded.keys() == state.keys()
        assert all(torch.equal(loaded[name], state[name]) for name in state)


def test_it_acts_between_start_and_end_by_its_weight(
    small_model: DiffusersModel, net: ControlNetModel
) -> None:
    picture = torch.rand(1, 3, 64, 64)
    x, t = torch.randn(1, 4, 8, 8), torch.tensor([500])
    cond = small_model.encode_prompts(["a photo"])
    plain = small_model.predict(x, t, cond)

    def led(weight: float, progress: float) -> torch.Tensor:
        controls = Controls([ActiveControl(net, picture, weight, 0.2, 0.8)])
        controls.progress = progress
        return replace(small_model, controls=controls).predict(x, t, cond)

    assert torch.equal(led(1.0, 0.1), plain)
    assert torch.equal(led(1.0, 0.8), plain)
    assert torch.equal(led(0.0, 0.5), plain)
    assert not torch.allclose(led(1.0, 0.5), plain)
    assert not torch.allclose(led(1.0, 0.5), led(0.5, 0.5))


def test_a_condition_is_a_picture_in_shares_of_white() -> None:
    picture = np.full((2, 3, 3), 255, np.uint8)
    assert to_condition(picture, torch.device("cpu")).shape == (1, 3, 2, 3)
    assert to_condition(picture, torch.device("cpu")).max() == 1


def write(path: Path, net: ControlNetModel, **changed: torch.Tensor) -> Path:
    state = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    save_file({**state, **changed}, path)
    return path


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("lora_unet_x.alpha", "is no ControlNet"),
        ("lora_controlnet", "is a Control-LoRA"),
        ("conv_in.weight", "is no ControlNet"),
    ],
)
def test_what_is_no_controlnet_is_said(
    small_model: DiffusersModel, tmp_path: Path, name: str, says: str
) -> None:
    save_file({name: torch.ones(1)}, tmp_path / "x.safetensors")
    with pytest.raises(InvalidInput, match=rf"x\.safetensors {says}"):
        load_control(tmp_path / "x.safetensors", small_model.unet)


def test_a_file_that_is_not_whole_is_said(small_model: DiffusersModel, tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(b"cut")
    with pytest.raises(InvalidInput, match=r"cut\.safetensors cannot be read"):
        load_control(tmp_path / "cut.safetensors", small_model.unet)


def test_another_family_is_named(
    small_model: DiffusersModel, net: ControlNetModel, tmp_path: Path
) -> None:
    name = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"
    wide = torch.zeros(len(net.get_parameter(name)), 2048)
    path = write(tmp_path / "xl.safetensors", net, **{name: wide})
    with pytest.raises(InvalidInput, match="for SDXL; this checkpoint is a small"):
        load_control(path, small_model.unet)


def test_parts_that_no_plain_controlnet_has_are_not_left_out(
    small_model: DiffusersModel, net: ControlNetModel, tmp_path: Path
) -> None:
    """A union of ControlNets would be drawn with as if it were one."""
    path = write(tmp_path / "union.safetensors", net, task_embedding=torch.zeros(6, 8))
    with pytest.raises(InvalidInput, match="no plain ControlNet"):
        load_control(path, small_model.unet)


def test_a_small_one_without_attention_loads(small_model: DiffusersModel, tmp_path: Path) -> None:
    config = dict(small_model.unet.config)
    blocks = ("DownBlock2D",) * len(config["block_out_channels"])
    kept = ("block_out_channels", "layers_per_block", "cross_attention_dim", "attention_head_dim")
    net = ControlNetModel(
        down_block_types=blocks,
        mid_block_type="UNetMidBlock2D",
        norm_num_groups=config["norm_num_groups"],
        **{name: config[name] for name in kept},
    )
    loaded = load_control(write(tmp_path / "s.safetensors", net), small_model.unet)
    assert loaded.state_dict().keys() == net.state_dict().keys()
