"""SDXL's LoRAs: sgm's names as sd-scripts writes them, read back here and by diffusers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.utils import USE_PEFT_BACKEND
from torch import Tensor

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import TargetModules
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.adapter import LoraAdapter, inject
from facechain_ext.lora.checkpoint import read_lora, save_lora
from facechain_ext.lora.family import family_of_lora
from facechain_ext.lora.merge import merged
from facechain_ext.lora.state import LoraState, layer_names

pytestmark = pytest.mark.slow(5)

Predict = Callable[[DiffusersModel], Tensor]
Disturb = Callable[[LoraAdapter], None]
BLOCK = "lora_unet_input_blocks_4_1_transformer_blocks_0_"


@pytest.fixture
def live(
    new_tiny_sdxl: Callable[[], DiffusersModel], disturb: Disturb, predict: Predict
) -> Callable[[TargetModules], tuple[LoraState, Tensor]]:
    """Give a LoRA of some layers, and what a UNet answers with its live adapter."""

    def make(kind: TargetModules) -> tuple[LoraState, Tensor]:
        model = new_tiny_sdxl()
        with inject(model, kind, rank=4, alpha=2.0, seed=1) as adapter, torch.no_grad():
            disturb(adapter)
            return adapter.state(), predict(model)

    return make


Live = Callable[[TargetModules], tuple[LoraState, Tensor]]


def test_names_are_sgms(live: Live) -> None:
    state, _ = live("all")
    names = layer_names(state)
    assert all(name.startswith("lora_unet_") for name in names)
    assert {
        BLOCK + "attn1_to_q",
        BLOCK + "attn2_to_out_0",
        BLOCK + "ff_net_0_proj",
        "lora_unet_input_blocks_4_0_in_layers_2",
        "lora_unet_input_blocks_4_0_emb_layers_1",
        "lora_unet_input_blocks_4_0_out_layers_3",
        "lora_unet_middle_block_1_proj_in",
        "lora_unet_output_blocks_8_0_in_layers_2",
    } <= set(names)
    assert state[BLOCK + "attn2_to_k.lora_down.weight"].shape == (4, 80)
    assert family_of_lora(state) == "sdxl"


@pytest.mark.parametrize("kind", get_args(TargetModules))
def test_a_reloaded_lora_acts_as_the_live_one(
    live: Live,
    new_tiny_sdxl: Callable[[], DiffusersModel],
    predict: Predict,
    tmp_path: Path,
    kind: TargetModules,
) -> None:
    state, expected = live(kind)
    path = save_lora(tmp_path / "x.safetensors", state, {}).path
    model = new_tiny_sdxl()
    plain = predict(model)
    with merged(model, [(read_lora(path)[0], 1.0)]) as unmatched, torch.no_grad():
        torch.testing.assert_close(predict(model), expected, atol=1e-4, rtol=0)
    assert unmatched == 0
    assert (expected - plain).abs().max() > 0.01
    assert torch.equal(predict(model), plain)


@pytest.mark.skipif(not USE_PEFT_BACKEND, reason="diffusers wants newer transformers for LoRA")
@pytest.mark.parametrize("kind", get_args(TargetModules))
def test_diffusers_loads_the_file(
    live: Live,
    new_tiny_sdxl: Callable[[], DiffusersModel],
    predict: Predict,
    tiny_sdxl_folder: Path,
    tmp_path: Path,
    kind: TargetModules,
) -> None:
    state, expected = live(kind)
    path = save_lora(tmp_path / "x.safetensors", state, {"ss_output_name": "x"}).path
    model = new_tiny_sdxl()
    pipeline = StableDiffusionXLPipeline.from_pretrained(
        str(tiny_sdxl_folder), unet=model.unet, local_files_only=True, add_watermarker=False
    )
    assert (predict(model) - expected).abs().max() > 0.01
    pipeline.load_lora_weights(str(path.parent), weight_name=path.name, local_files_only=True)
    torch.testing.assert_close(predict(model), expected, atol=1e-4, rtol=0)


def factors(layer: str, out: int, size: int) -> LoraState:
    state = {f"{layer}.lora_down.weight": torch.ones(2, size)}
    state[f"{layer}.lora_up.weight"] = torch.ones(out, 2)
    return LoraState(state, name="style.safetensors")


@pytest.mark.parametrize(
    ("layer", "out", "size"),
    [
        ("lora_te1_text_model_encoder_layers_0_self_attn_q_proj", 32, 32),
        ("lora_te2_text_model_encoder_layers_2_mlp_fc1", 96, 48),
        ("lora_te2_text_projection", 40, 48),
        ("lora_unet_label_emb_0_0", 128, 88),
        ("lora_unet_down_blocks_1_attentions_0_proj_in", 64, 64),
    ],
)
def test_loras_of_other_programs_reach_their_layer(
    new_tiny_sdxl: Callable[[], DiffusersModel], layer: str, out: int, size: int
) -> None:
    model = new_tiny_sdxl()
    weight = model.lora_layers()[layer].weight
    before = weight.detach().clone()
    with merged(model, [(factors(layer, out, size), 0.5)]) as unmatched:
        torch.testing.assert_close(weight.detach() - before, torch.ones_like(before))
    assert unmatched == 0
    assert torch.equal(weight, before)


def test_one_layer_under_two_names_comes_back(new_tiny_sdxl: Callable[[], DiffusersModel]) -> None:
    model = new_tiny_sdxl()
    names = ("lora_unet_input_blocks_4_1_proj_in", "lora_unet_down_blocks_1_attentions_0_proj_in")
    layers = model.lora_layers()
    weight = layers[names[0]].weight
    assert layers[names[1]].weight is weight
    before = weight.detach().clone()
    with merged(model, [(factors(name, 64, 64), 0.5) for name in names]):
        torch.testing.assert_close(weight.detach() - before, torch.full_like(before, 2.0))
    assert torch.equal(weight, before)


SD1_LAYER = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"


@pytest.mark.parametrize(("width", "family"), [(768, "1.x"), (1024, "2.x")])
def test_a_lora_of_another_family_is_refused(
    new_tiny_sdxl: Callable[[], DiffusersModel], width: int, family: str
) -> None:
    """Its layers bear names that SDXL's have in diffusers too, so the width must tell."""
    model = new_tiny_sdxl()
    reason = rf"^style\.safetensors is a LoRA for Stable Diffusion {family}; .* is SDXL\.$"
    with (
        pytest.raises(InvalidInput, match=reason),
        merged(model, [(factors(SD1_LAYER, 64, width), 1.0)]),
    ):
        pass


def test_an_sdxl_lora_is_refused_by_sd1(live: Live, tiny_model: DiffusersModel) -> None:
    state, _ = live("attention")
    with (
        pytest.raises(InvalidInput, match=r"is a LoRA for SDXL; .* is Stable Diffusion 1\.x"),
        merged(tiny_model, [(state, 1.0)]),
    ):
        pass
