from __future__ import annotations

from typing import Any

import pytest
import torch
from safetensors import safe_open

# What Forge reads off the mini's file (huggingface_guess.detection.detect_unet_config).
READ = {
    "context_dim": 192,
    "model_channels": 64,
    "use_linear_in_transformer": False,
    "adm_in_channels": None,
    "use_temporal_attention": False,
}
SD1 = {**READ, "context_dim": 768, "model_channels": 320}


@pytest.fixture
def guess(webui: Any) -> Any:
    from facechain_ext.webui.forge import mini

    models = webui.module("huggingface_guess.model_list").models
    mini.teach_forge()

    def first_match(config: dict[str, Any]) -> Any:
        return next((each(config) for each in models if each.matches(config)), None)

    first_match.models = models  # type: ignore[attr-defined]
    return first_match


def test_the_mini_is_known_with_its_own_configs(webui: Any, guess: Any) -> None:
    found = guess(READ)
    assert isinstance(found, webui.module("huggingface_guess.model_list").SD15)
    assert found.unet_config["num_heads"] == 4
    from facechain_ext.diffusion.checkpoint import MINI_COMPONENTS

    assert found.huggingface_repo == str(MINI_COMPONENTS)
    assert (MINI_COMPONENTS / "model_index.json").is_file()


def test_other_checkpoints_are_none_of_its_business(guess: Any) -> None:
    assert guess(SD1).huggingface_repo == "runwayml/stable-diffusion-v1-5"
    assert guess({**READ, "context_dim": 1024}) is None


def test_it_can_be_taught_again_and_forgotten(guess: Any) -> None:
    from facechain_ext.webui.forge import mini

    mini.teach_forge()
    assert len(guess.models) == 2
    mini.forget()
    assert guess(READ) is None


@pytest.mark.model
def test_the_users_choice_of_vae_and_text_encoder_does_not_reach_it(guess: Any) -> None:
    from facechain_ext.webui.forge.mini import MINI_FILE

    if not MINI_FILE.is_file():
        pytest.skip("the mini checkpoint is not in this checkout")
    with safe_open(str(MINI_FILE), framework="pt") as file:
        own = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    chosen = {
        **own,
        "first_stage_model.decoder.conv_in.weight": torch.zeros(512, 4, 3, 3),
        "first_stage_model.of_another": torch.zeros(1),
        "cond_stage_model.transformer.text_model.final_layer_norm.weight": torch.zeros(768),
    }
    loaded = guess(READ).process_vae_state_dict(chosen)
    assert loaded.keys() == own.keys()
    assert all(torch.equal(loaded[key], tensor) for key, tensor in own.items())
