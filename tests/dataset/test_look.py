"""Pictures of a look as the trainer takes them, by a tiny random model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import TrainStyleConfig
from facechain_ext.dataset.latent_file import load_latents, save_latents
from facechain_ext.dataset.latents import LatentCache
from facechain_ext.dataset.look import LookPicture, buckets_for, cache_look
from facechain_ext.diffusion.diffusers_model import DiffusersModel

SIZES = [(200, 200), (100, 200), (300, 300), (210, 100)]


def picture(number: int, size: tuple[int, int], caption: str = "fclook") -> LookPicture:
    noise = np.random.default_rng(number).integers(0, 255, (size[1], size[0], 3), np.uint8)
    return LookPicture(f"{number}.png", noise, caption)


PICTURES = [picture(number, size, f"fclook, {number}") for number, size in enumerate(SIZES)]


def make(
    model: DiffusersModel, pictures: list[LookPicture], side: int = 192, flip: bool = False
) -> LatentCache:
    config = TrainStyleConfig(resolution=side, random_flip=flip).training(len(pictures))
    return cache_look(model, pictures, config, generator=torch.Generator().manual_seed(0))


def test_every_picture_is_encoded_in_its_own_shape(small_model: DiffusersModel) -> None:
    made = make(small_model, PICTURES)
    assert made.sizes is not None
    assert made.sizes.tolist() == [[24, 24], [32, 16], [24, 24], [16, 32]]
    assert made.latents.shape == (4, 4, 32, 32)
    for latents, (high, wide) in zip(made.latents, made.sizes.tolist(), strict=True):
        assert (latents[:, :high, :wide] != 0).all()
        assert (latents[:, high:] == 0).all()
        assert (latents[:, :, wide:] == 0).all()
    assert (made.loss_weights == 1).all()
    assert made.photo_index.tolist() == [0, 1, 2, 3]
    assert made.caption_index.tolist() == [0, 1, 2, 3]
    assert made.empty_caption == 4


def test_pictures_of_one_shape_need_no_sizes(small_model: DiffusersModel) -> None:
    made = make(small_model, [PICTURES[0], PICTURES[2]], side=64)
    assert made.sizes is None
    assert made.latents.shape == (2, 4, 8, 8)


def test_a_mirror_image_follows_its_picture(small_model: DiffusersModel) -> None:
    pictures = [replace(PICTURES[0], caption="fclook, looking left")]
    made = make(small_model, pictures, side=64, flip=True)
    assert made.photo_index.tolist() == [0, 0]
    expected = small_model.encode_prompts(["fclook, looking left", "fclook, looking right", ""])
    assert torch.allclose(made.cond.prompt_embeds, expected.prompt_embeds)
    assert made.caption_index.tolist() == [0, 1]


def test_sizes_are_read_back_with_the_latents(small_model: DiffusersModel, tmp_path: Path) -> None:
    made = make(small_model, PICTURES)
    save_latents(tmp_path / "latents.safetensors", made)
    read = load_latents(tmp_path / "latents.safetensors", torch.device("cpu"))
    assert made.sizes is not None
    assert read.sizes is not None
    assert torch.equal(read.sizes, made.sizes)
    assert torch.equal(read.latents, made.latents)


def test_buckets_are_told_as_they_are() -> None:
    told = buckets_for([picture.size for picture in PICTURES], 192)
    assert told.counts == ((128, 256, 1), (192, 192, 2), (256, 128, 1))
    assert told.shape_error == pytest.approx((0 + 0 + 0 + 0.1) / 4)


def test_no_pictures_are_no_look(small_model: DiffusersModel) -> None:
    with pytest.raises(InvalidInput, match="no picture"):
        make(small_model, [])


def test_sdxl_is_told_sizes_and_what_was_cut_off(
    new_tiny_sdxl: Callable[[], DiffusersModel],
) -> None:
    made = make(new_tiny_sdxl(), [PICTURES[1], PICTURES[3]], side=64)
    assert made.add_time_ids is not None
    assert made.add_time_ids.tolist() == [[200, 100, 32, 0, 64, 64], [100, 210, 0, 35, 64, 64]]
