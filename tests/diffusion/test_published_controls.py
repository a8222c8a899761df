"""ControlNets in the layouts that they are published in, of Stable Diffusion 1.5 and of SDXL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from safetensors.torch import save_file

from facechain_ext.diffusion.checkpoint import CONFIGS, read_config
from facechain_ext.diffusion.control import ActiveControl, Controls
from facechain_ext.diffusion.control_files import LDM_PREFIX, load_control, original_names
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from tests.diffusion import published

OF_UNETS = ("input_blocks.", "middle_block.", "time_embed.", "label_emb.")
HINTS = range(0, 15, 2)
"""Convolutions of the hint block; what is between them has no weights."""


@pytest.mark.parametrize(
    ("family", "unet", "blocks"),
    [("sd2", published.sd2_unet, 12), ("sdxl", published.sdxl_unet, 9)],
)
def test_names_are_those_of_the_original_at_full_size(
    family: str, unet: Callable[[], published.Shapes], blocks: int
) -> None:
    """Stable Diffusion 1.5's are those of 2.x: they differ in widths alone."""
    names = {name.removeprefix(published.UNET) for name in unet()}
    expected = {name for name in names if name.startswith(OF_UNETS)}
    layers = [f"zero_convs.{block}.0" for block in range(blocks)] + ["middle_block_out.0"]
    layers += [f"input_hint_block.{at}" for at in HINTS]
    expected |= {f"{layer}.{part}" for layer in layers for part in ("weight", "bias")}
    with torch.device("meta"):
        model = UNet2DConditionModel(**read_config(CONFIGS / family, "unet"))
    assert set(original_names(model).values()) == expected


def taught(model: DiffusersModel) -> ControlNetModel:
    torch.manual_seed(0)
    net = ControlNetModel.from_unet(model.unet)
    for name, weight in net.named_parameters():
        if name.startswith("controlnet_"):
            torch.nn.init.normal_(weight, std=0.05)
    return net


def as_original(net: ControlNetModel, model: DiffusersModel) -> dict[str, torch.Tensor]:
    """Write a net down as lllyasviel's files are."""
    names, state = original_names(model.unet), net.state_dict()
    return {LDM_PREFIX + names[name]: tensor.contiguous() for name, tensor in state.items()}


@pytest.fixture(params=["sd1", "sdxl"])
def model(
    request: pytest.FixtureRequest,
    new_tiny_model: Callable[[], DiffusersModel],
    new_tiny_sdxl: Callable[[], DiffusersModel],
) -> DiffusersModel:
    return new_tiny_model() if request.param == "sd1" else new_tiny_sdxl()


@pytest.mark.parametrize("layout", ["diffusers", "original", "original without its prefix"])
def test_a_file_of_either_family_leads_alike_in_every_layout(
    model: DiffusersModel, layout: str, tmp_path: Path
) -> None:
    net = taught(model)
    state = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    if layout != "diffusers":
        state = as_original(net, model)
    if "without" in layout:
        state = {name.removeprefix(LDM_PREFIX): tensor for name, tensor in state.items()}
    save_file(state, tmp_path / "openpose.safetensors")
    loaded = load_control(tmp_path / "openpose.safetensors", model.unet)
    x, t = torch.randn(1, 4, 8, 8), torch.tensor([500])
    cond = model.encode_prompts(["a photo"])

    def led(by: ControlNetModel) -> torch.Tensor:
        controls = Controls([ActiveControl(by, torch.ones(1, 3, 64, 64))])
        return replace(model, controls=controls).predict(x, t, cond)

    torch.testing.assert_close(led(loaded), led(net.eval()), atol=1e-4, rtol=0)
    assert not torch.allclose(led(loaded), model.predict(x, t, cond))
