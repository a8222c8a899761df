from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import Conditioning
from facechain_ext.base.records import Instance
from facechain_ext.config import TrainConfig
from facechain_ext.dataset.latent_file import load_latents, save_latents
from facechain_ext.dataset.latents import LatentCache, cache
from facechain_ext.diffusion.diffusers_model import DiffusersModel

CPU = torch.device("cpu")


def assert_same(one: LatentCache, other: LatentCache) -> None:
    """Compare values and memory layout: both decide how later sums are rounded."""
    for name in ("latents", "loss_weights", "photo_index", "caption_index"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert torch.equal(mine, theirs)
        assert (mine.dtype, mine.stride()) == (theirs.dtype, theirs.stride()), name
    for name in ("prompt_embeds", "pooled_prompt_embeds", "add_time_ids"):
        mine, theirs = getattr(one.cond, name), getattr(other.cond, name)
        assert (mine is None) == (theirs is None)
        assert mine is None or torch.equal(mine, theirs)


def test_a_cache_comes_back_as_it_was(
    tiny_model: DiffusersModel, instance: Instance, tmp_path: Path
) -> None:
    made = cache(tiny_model, [instance], TrainConfig(), generator=torch.Generator().manual_seed(0))
    path = tmp_path / "dossier é" / "latents.safetensors"
    save_latents(path, made)
    assert_same(load_latents(path, CPU), made)


def test_captions_come_back_where_the_text_encoder_is_trained(
    tiny_model: DiffusersModel, instance: Instance, tmp_path: Path
) -> None:
    config = TrainConfig(text_encoder_lora=True)
    named = replace(instance, caption='fcsks, "é", looking left')
    made = cache(tiny_model, [named], config, generator=torch.Generator().manual_seed(0))
    assert made.cond.texts == ('fcsks, "é", looking left', 'fcsks, "é", looking right', "")
    assert len(made.cond.texts) == len(made.cond.prompt_embeds)
    save_latents(tmp_path / "latents.safetensors", made)
    assert load_latents(tmp_path / "latents.safetensors", CPU).cond.texts == made.cond.texts


def test_what_only_larger_models_have_comes_back_too(tmp_path: Path) -> None:
    cond = Conditioning(torch.rand(2, 3, 4), torch.rand(2, 5), torch.rand(2, 6))
    index = torch.zeros(1, dtype=torch.long)
    made = LatentCache(torch.rand(1, 4, 2, 2), torch.rand(1, 1, 2, 2), index, index + 1, cond)
    save_latents(tmp_path / "latents.safetensors", made)
    assert_same(load_latents(tmp_path / "latents.safetensors", CPU), made)
    plain = replace(made, cond=Conditioning(cond.prompt_embeds))
    save_latents(tmp_path / "latents.safetensors", plain)
    assert_same(load_latents(tmp_path / "latents.safetensors", CPU), plain)


def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "latents.safetensors").write_bytes(b"half a file")
    with pytest.raises(InvalidInput, match=r"latents\.safetensors"):
        load_latents(tmp_path / "latents.safetensors", CPU)
