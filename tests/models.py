"""Fixtures that every package's tests share: tiny random checkpoints, and the shipped mini."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.diffusion.ldm_keys import text_to_ldm, unet_to_ldm, vae_to_ldm
from tests import tiny_sdxl as sdxl
from tests.quick import two_step_samples

MINI = Path(__file__).parents[1] / "facechain_ext" / "weights" / "mini"

UNET = {
    "sample_size": 8,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": [32, 64, 128, 128],
    "layers_per_block": 2,
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    "cross_attention_dim": 32,
    "attention_head_dim": 4,
    "norm_num_groups": 32,
}
SMALL_UNET = {
    **UNET,
    "block_out_channels": [32, 32],
    "layers_per_block": 1,
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
}
VAE = {
    "sample_size": 64,
    "latent_channels": 4,
    "block_out_channels": [32, 32, 32, 32],
    "layers_per_block": 2,
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "norm_num_groups": 32,
    "scaling_factor": 0.18215,
}
SMALL_VAE = {**VAE, "layers_per_block": 1}
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 77,
    "hidden_act": "quick_gelu",
    "projection_dim": 32,
}
SCHEDULER = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
}
MERGES = ["f c", "fc s", "fcs k", "fcsk s</w>", "p h", "o t", "ph ot", "phot o</w>", "a n"]


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random SD1-shaped model of 64 x 64 pixels as a diffusers folder."""
    folder = tmp_path_factory.mktemp("tiny")
    _save_model(folder, UNET, VAE)
    return folder


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a quarter of the layers, for tests of what is done with any model."""
    folder = tmp_path_factory.mktemp("small") / "tiny"
    _save_model(folder, SMALL_UNET, SMALL_VAE)
    return folder


@pytest.fixture(scope="session")
def tiny_file(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model as an LDM single file, its component configs beside it."""
    return _save_single_file(tiny_folder, UNET, VAE, tmp_path_factory.mktemp("tiny_ldm"))


@pytest.fixture(scope="session")
def small_file(small_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model as such a file."""
    folder = tmp_path_factory.mktemp("small_ldm")
    return _save_single_file(small_folder, SMALL_UNET, SMALL_VAE, folder)


@pytest.fixture(scope="session")
def tiny_sdxl_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random SDXL of 64 x 64 pixels as a diffusers folder, complete for diffusers' pipeline."""
    folder = tmp_path_factory.mktemp("tiny_sdxl")
    sdxl.save_folder(folder, _text_config())
    _describe_sdxl(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_sdxl_file(tiny_sdxl_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same SDXL as a single file, its component configs beside it."""
    folder = tmp_path_factory.mktemp("tiny_sgm")
    for config in tiny_sdxl_folder.glob("*/config.json"):
        _write_json(folder / config.parent.name / config.name, json.loads(config.read_text()))
    _describe_sdxl(folder)
    sdxl.save_single_file(tiny_sdxl_folder, folder / "tinyxl.safetensors")
    return folder / "tinyxl.safetensors"


@pytest.fixture(scope="session")
def new_tiny_sdxl(tiny_sdxl_folder: Path) -> Callable[[], DiffusersModel]:
    """Give another copy of the tiny SDXL at every call."""
    master = load_model(tiny_sdxl_folder, device="cpu")
    return lambda: replace(
        master,
        unet=deepcopy(master.unet),
        vae=deepcopy(master.vae),
        text_encoder=deepcopy(master.text_encoder),
        text_encoder_2=deepcopy(master.text_encoder_2),
    )


@pytest.fixture(scope="session")
def new_tiny_model(tiny_folder: Path) -> Callable[[], DiffusersModel]:
    """Give another copy of the tiny model at every call, for tests that compare two."""
    return _copies_of(load_model(tiny_folder, device="cpu"))


@pytest.fixture
def tiny_model(new_tiny_model: Callable[[], DiffusersModel]) -> DiffusersModel:
    """A copy of the tiny model that is this test's own."""
    return new_tiny_model()


@pytest.fixture(scope="session")
def new_small_model(small_folder: Path) -> Callable[[], DiffusersModel]:
    """Give another copy of the small model at every call."""
    return _copies_of(load_model(small_folder, device="cpu"))


@pytest.fixture
def small_model(new_small_model: Callable[[], DiffusersModel]) -> DiffusersModel:
    """A copy of the small model that is this test's own."""
    return new_small_model()


@pytest.fixture
def quick_samples() -> Iterator[None]:
    """Draw the sample pictures of this test's trainings in two steps."""
    with two_step_samples():
        yield


@pytest.fixture(scope="session")
def mini() -> DiffusersModel:
    """The shipped checkpoint, shared by all tests: give it back as it was."""
    path = MINI / "facechain-mini.safetensors"
    if not path.is_file():
        pytest.skip("the mini checkpoint is not in this checkout")
    return load_model(path, device="cpu")


def _save_model(folder: Path, unet: dict[str, Any], vae: dict[str, Any]) -> None:
    """Write a random SD1 with these networks as a diffusers folder."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        modules = {
            "unet": UNet2DConditionModel(**unet),
            "vae": AutoencoderKL(**vae),
            "text_encoder": CLIPTextModel(CLIPTextConfig(**_text_config())),
        }
        # A fresh UNet's answer is near 0; a livelier one makes every difference visible.
        torch.nn.init.normal_(modules["unet"].conv_out.weight, std=0.1)
    for name, module in modules.items():
        module.save_pretrained(folder / name, safe_serialization=True)
    _write_json(folder / "scheduler" / "scheduler_config.json", SCHEDULER)
    _write_tokenizer(folder / "tokenizer")


def _save_single_file(
    source: Path, unet: dict[str, Any], vae: dict[str, Any], folder: Path
) -> Path:
    model = load_model(source, device="cpu")
    state = {
        **unet_to_ldm(model.unet.state_dict(), unet),
        **vae_to_ldm(model.vae.state_dict(), vae),
        **text_to_ldm(model.text_encoder.state_dict()),
    }
    path = folder / "tiny.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    for name, config in (("unet", unet), ("vae", vae), ("text_encoder", _text_config())):
        _write_json(folder / name / "config.json", config)
    _write_json(folder / "scheduler" / "scheduler_config.json", SCHEDULER)
    _write_tokenizer(folder / "tokenizer")
    return path


def _copies_of(master: DiffusersModel) -> Callable[[], DiffusersModel]:
    def copy() -> DiffusersModel:
        unet, vae, text_encoder = deepcopy((master.unet, master.vae, master.text_encoder))
        return replace(master, unet=unet, vae=vae, text_encoder=text_encoder)

    return copy


def _describe_sdxl(folder: Path) -> None:
    """Write schedule and tokenizers; the second one pads with "!" as OpenCLIP's does."""
    _write_json(folder / "scheduler" / "scheduler_config.json", SCHEDULER)
    _write_tokenizer(folder / "tokenizer")
    _write_tokenizer(folder / "tokenizer_2", pad="!")
    parts = {
        "scheduler": ("diffusers", "EulerDiscreteScheduler"),
        "text_encoder": ("transformers", "CLIPTextModel"),
        "text_encoder_2": ("transformers", "CLIPTextModelWithProjection"),
        "tokenizer": ("transformers", "CLIPTokenizer"),
        "tokenizer_2": ("transformers", "CLIPTokenizer"),
        "unet": ("diffusers", "UNet2DConditionModel"),
        "vae": ("diffusers", "AutoencoderKL"),
    }
    _write_json(folder / "model_index.json", {"_class_name": "StableDiffusionXLPipeline", **parts})


def _text_config() -> dict[str, object]:
    size = len(_vocabulary())
    return {**TEXT, "vocab_size": size, "bos_token_id": size - 2, "eos_token_id": size - 1}


def _vocabulary() -> list[str]:
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols = [chr(byte) for byte in printable]
    symbols += [chr(256 + at) for at in range(256 - len(printable))]
    merged = [merge.replace(" ", "") for merge in MERGES]
    words = [*symbols, *(symbol + "</w>" for symbol in symbols), *merged]
    return [*words, "<|startoftext|>", "<|endoftext|>"]


def _write_tokenizer(folder: Path, pad: str = "<|endoftext|>") -> None:
    """Write a byte-level CLIP tokenizer with a handful of merges."""
    vocabulary = {token: index for index, token in enumerate(_vocabulary())}
    _write_json(folder / "vocab.json", vocabulary)
    lines = ["#version: 0.2", *MERGES, ""]
    (folder / "merges.txt").write_text("\n".join(lines), encoding="utf-8")
    end = "<|endoftext|>"
    special = {"bos_token": "<|startoftext|>", "eos_token": end, "pad_token": pad}
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "unk_token": end}
    _write_json(folder / "tokenizer_config.json", {**settings, **special})


def _write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
