"""Stable Diffusion 2.x: OpenCLIP's text encoder, linear projections, noise or v."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel

from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.diffusion.ldm_keys import unet_to_ldm, vae_to_ldm
from facechain_ext.diffusion.parameterization import predicts_v
from facechain_ext.lora.adapter import inject
from tests.pipelines import pipeline_of
from tests.tiny_sdxl import open_clip_layers

pytestmark = pytest.mark.slow(5)

LINEAR = {"use_linear_projection": True, "attention_head_dim": [1, 2, 4, 4]}


def rewrite_config(folder: Path, component: str, changes: dict[str, Any]) -> dict[str, Any]:
    path = folder / component / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(config), encoding="utf-8")
    return config


@pytest.fixture(scope="module")
def folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with SD2's projections and an OpenCLIP text encoder, padded with "!"."""
    folder = Path(shutil.copytree(tiny_folder, tmp_path_factory.mktemp("sd2") / "sd2"))
    unet = rewrite_config(folder, "unet", LINEAR)
    text = rewrite_config(folder, "text_encoder", {"hidden_act": "gelu"})
    settings = folder / "tokenizer" / "tokenizer_config.json"
    told = json.loads(settings.read_text(encoding="utf-8")) | {"pad_token": "!"}
    settings.write_text(json.dumps(told), encoding="utf-8")
    torch.manual_seed(0)
    UNet2DConditionModel.from_config(unet).save_pretrained(folder / "unet")
    CLIPTextModel(CLIPTextConfig(**text)).save_pretrained(folder / "text_encoder")
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> DiffusersModel:
    return load_model(folder, device="cpu")


@pytest.fixture(scope="module")
def file(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a single file, with one text layer more, which nothing reads."""
    copy = Path(shutil.copytree(folder, tmp_path_factory.mktemp("sd2_ldm") / "sd2"))
    read = {p.name: load_file(next((folder / p.name).glob("*.safetensors"))) for p in _parts(copy)}
    unet, vae = (json.loads((folder / p / "config.json").read_text()) for p in ("unet", "vae"))
    text = open_clip_layers(read["text_encoder"], layers=2)
    unread = {key.replace("blocks.1.", "blocks.2."): t for key, t in text.items() if ".1." in key}
    state = {
        **unet_to_ldm(read["unet"], unet),
        **vae_to_ldm(read["vae"], vae),
        **{"cond_stage_model.model." + key: t for key, t in {**unread, **text}.items()},
    }
    path = copy / "tiny2.safetensors"
    save_file({key: tensor.clone().contiguous() for key, tensor in state.items()}, path)
    return path


def _parts(folder: Path) -> list[Path]:
    return [part for part in folder.iterdir() if any(part.glob("*.safetensors"))]


def states(model: DiffusersModel) -> dict[str, Tensor]:
    parts = {"unet": model.unet, "vae": model.vae, "text": model.text_encoder}
    return {f"{at}.{k}": v for at, part in parts.items() for k, v in part.state_dict().items()}


def test_both_layouts_hold_the_same_model(model: DiffusersModel, file: Path) -> None:
    first, second = states(model), states(load_model(file, device="cpu"))
    assert set(first) == set(second)
    assert [key for key in first if not torch.equal(first[key], second[key])] == []
    assert model.family == load_model(file, device="cpu").family == "sd2"


def test_prompts_are_encoded_as_by_diffusers(model: DiffusersModel, folder: Path) -> None:
    pipeline = pipeline_of(model)
    embeds, _ = pipeline.encode_prompt("a photo of fcsks", "cpu", 1, False)
    ours = model.encode_prompts(["a photo of fcsks"]).prompt_embeds
    torch.testing.assert_close(ours, embeds)


def test_loras_have_the_names_of_diffusers_layers(model: DiffusersModel) -> None:
    with inject(model, "attention", rank=2, alpha=2.0, seed=0) as adapter:
        assert (
            "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k.alpha"
            in adapter.state()
        )
    assert "lora_te_text_model_encoder_layers_0_mlp_fc1" in model.lora_layers()


@pytest.mark.parametrize(("bias", "v"), [(0.5, False), (-0.4, False), (-2.0, True)])
def test_a_unet_is_asked_what_it_predicts(folder: Path, bias: float, v: bool) -> None:
    """Where nearly all is noise, noise is what was put in, and v its opposite and more."""
    unet = load_model(folder, device="cpu").unet
    torch.nn.init.zeros_(unet.conv_out.weight)
    torch.nn.init.constant_(unet.conv_out.bias, bias)
    assert predicts_v(unet) is v


@pytest.mark.parametrize(("bias", "kind"), [(0.5, "epsilon"), (-2.0, "v_prediction")])
def test_a_single_file_is_asked_when_it_is_loaded(
    file: Path, tmp_path: Path, bias: float, kind: str
) -> None:
    copy = Path(shutil.copytree(file.parent, tmp_path / "copy")) / file.name
    tensors = load_file(file)
    out = "model.diffusion_model.out.2."
    tensors[out + "weight"].zero_()
    tensors[out + "bias"].fill_(bias)
    save_file(tensors, copy)
    assert load_model(copy, device="cpu").prediction_type == kind
