from __future__ import annotations

import os
from pathlib import Path
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
    mini.teach()

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

    mini.teach()
    assert len(guess.models) == 2
    mini.forget()
    assert guess(READ) is None


def test_the_engine_of_stable_diffusion_1_takes_it(webui: Any, guess: Any) -> None:
    """Forge Neo's takes the very classes that it lists, where others take derived ones, too."""
    from facechain_ext.webui.forge import mini

    guesses = webui.module("backend.diffusion_engine.sd15").StableDiffusion.matched_guesses
    assert type(guess(READ)) in guesses
    mini.teach()
    assert len(guesses) == 2
    mini.forget()
    assert len(guesses) == 1


def test_no_folder_is_taken_for_a_models_name(
    webui: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from facechain_ext.diffusion import checkpoint

    ours = tmp_path / "Wang" / "krea-xl" / "klein"
    (ours / "unet").mkdir(parents=True)
    (ours / "model_index.json").touch()
    (ours / "unet" / "config.json").write_bytes(
        (checkpoint.MINI_COMPONENTS / "unet" / "config.json").read_bytes()
    )
    configs = tmp_path / "Wang" / "forge" / "backend" / "huggingface"
    configs.mkdir(parents=True)
    monkeypatch.setattr(checkpoint, "MINI_COMPONENTS", ours)
    loader = webui.module("backend.loader")
    monkeypatch.setattr(loader, "__file__", str(configs.parent / "loader.py"))
    from facechain_ext.webui.forge import mini

    mini.teach()
    name = webui.module("huggingface_guess.model_list").models[0].huggingface_repo
    assert not any(text in name for text in ("Wan", "klein", "xl"))
    assert "krea" not in name.lower()
    joined = os.path.join(str(configs), name)  # noqa: PTH118  as Forge does
    assert type(joined) is str
    assert Path(joined).resolve() == ours.resolve()


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
