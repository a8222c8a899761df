"""The mini in the loader of reForge and Forge Classic."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import torch

from facechain_ext.diffusion.checkpoint import MINI_COMPONENTS, read_config

READ = {
    "context_dim": 192,
    "model_channels": 64,
    "use_linear_in_transformer": False,
    "adm_in_channels": None,
    "use_temporal_attention": False,
}


pytestmark = pytest.mark.parametrize("host_name", ["reforge", "classic"])


@pytest.fixture
def models(webui: Any) -> Any:
    which = importlib.import_module("facechain_ext.webui.which")
    which.mini_teacher().teach()
    return importlib.import_module("ldm_patched.modules.supported_models")


def first_match(models: Any, read: dict[str, Any]) -> Any:
    return next((each(read) for each in models.models if each.matches(read)), None)


def test_it_is_known_by_its_widths_and_nothing_else_is(models: Any) -> None:
    found = first_match(models, READ)
    assert isinstance(found, models.SD15)
    assert found.unet_config["num_heads"] == 4
    sd1 = first_match(models, {**READ, "context_dim": 768, "model_channels": 320})
    assert type(sd1) is models.SD15


@pytest.mark.parametrize("asked", [(), ({},)], ids=["with nothing", "with the tensors"])
def test_text_encoder_and_tokenizer_are_the_minis(models: Any, asked: Any) -> None:
    target, config = first_match(models, READ).clip_target(*asked), _config("text_encoder")
    tokenizer = target.tokenizer(embedding_directory="embeddings").clip_l
    assert (tokenizer.path, tokenizer.width) == (
        str(MINI_COMPONENTS / "tokenizer"),
        config["hidden_size"],
    )
    encoder = target.clip(device="cpu", dtype=torch.float32).clip_l
    assert encoder.config == str(MINI_COMPONENTS / "text_encoder" / "config.json")
    assert encoder.special_tokens["end"] == config["eos_token_id"]


def test_autoencoders_are_built_by_their_own_sizes(models: Any) -> None:
    loader = importlib.import_module("modules_forge.forge_loader")
    width = _config("vae")["block_out_channels"][0]
    mini = loader.VAE(sd={"encoder.conv_in.weight": torch.zeros(width, 3, 3, 3)})
    assert mini.config["params"]["ddconfig"]["ch_mult"] == [1, 1, 2, 2]
    for other in ({"encoder.conv_in.weight": torch.zeros(128, 3, 3, 3)}, {}, None):
        assert loader.VAE(sd=other).config is None


def test_it_can_be_taught_again_and_forgotten(models: Any) -> None:
    which = importlib.import_module("facechain_ext.webui.which")
    loader = importlib.import_module("modules_forge.forge_loader")
    which.mini_teacher().teach()
    assert len(models.models) == 2
    which.mini_teacher().forget()
    assert models.models == [models.SD15]
    assert isinstance(loader.VAE, type)


def _config(part: str) -> dict[str, Any]:
    return read_config(MINI_COMPONENTS, part)
