"""The cache that training reads, made with a tiny random model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Instance
from facechain_ext.config import TrainConfig
from facechain_ext.dataset.latent_file import load_latents, save_latents
from facechain_ext.dataset.latents import LEAST_CROPS, LatentCache, cache, training_crops
from facechain_ext.diffusion.diffusers_model import DiffusersModel

pytestmark = pytest.mark.slow(8)

CAPTION = "fcsks, portrait photo of a young woman, looking left, gray background"


@pytest.fixture
def two(instance: Instance) -> list[Instance]:
    return [instance, replace(instance, name="b", caption=CAPTION)]


def make(
    model: DiffusersModel, instances: list[Instance], seed: int = 0, **options: object
) -> LatentCache:
    generator = torch.Generator().manual_seed(seed)
    return cache(model, instances, TrainConfig(**options), generator=generator)


def crops_of(instances: list[Instance], **options: object) -> list:
    generator = torch.Generator().manual_seed(0)
    return training_crops(instances, TrainConfig(**options), size=64, generator=generator)


def test_shapes_and_indices(small_model: DiffusersModel, two: list[Instance]) -> None:
    made = make(small_model, two, crops_per_photo=7)
    side = small_model.resolution // 8
    assert made.latents.shape == (28, 4, side, side)
    assert made.loss_weights.shape == (28, 1, side, side)
    assert made.photo_index.tolist() == [0] * 14 + [1] * 14
    assert len(made) == 28
    assert made.latents.dtype == made.loss_weights.dtype == torch.float32
    assert not made.latents.requires_grad
    assert made.latents.isfinite().all()


def test_latents_are_those_of_the_crops(small_model: DiffusersModel, two: list[Instance]) -> None:
    made = make(small_model, two, random_flip=False, crops_per_photo=6)
    decoded = small_model.decode_latents(made.latents[:1])
    assert decoded.shape == (1, 3, 64, 64)
    assert not torch.equal(made.latents[0], made.latents[1])
    assert made.latents.std() > 0


def test_captions_have_their_rows_and_the_empty_one_is_last(
    small_model: DiffusersModel, two: list[Instance]
) -> None:
    made = make(small_model, two, crops_per_photo=6)
    texts = [two[0].caption, CAPTION, CAPTION.replace("left", "right"), ""]
    expected = small_model.encode_prompts(texts).prompt_embeds
    assert torch.allclose(made.cond.prompt_embeds, expected)
    assert made.empty_caption == 3
    assert made.caption_index.tolist() == [0] * 12 + [1, 2] * 6


def test_weights_have_mean_one_and_follow_the_person(
    small_model: DiffusersModel, instance: Instance
) -> None:
    made = make(small_model, [instance], face_weight=3.0)
    assert torch.allclose(made.loss_weights.mean(dim=(1, 2, 3)), torch.ones(len(made)))
    assert (made.loss_weights >= 0).all()
    assert (made.loss_weights == 0).any()
    middle = made.loss_weights[:, 0, 3:5, 3:5]
    assert (middle > 2).all()


def test_face_weight_and_mask_background_reach_the_weights(instance: Instance) -> None:
    weights = [crops_of([instance], mask_background=m, face_weight=w)[0].weights for m, w in (
        (False, 1.0), (True, 1.0), (False, 5.0),
    )]  # fmt: skip
    assert weights[0].min() == weights[0].max() == 1
    assert weights[1].min() == 0
    assert weights[1].max() == 1
    assert weights[2].max() == pytest.approx(5)
    assert weights[2].min() == 1


def test_nothing_counts_where_the_photo_ends(instance: Instance) -> None:
    valid = np.ones_like(instance.valid)
    valid[:, :256] = 0
    half = replace(instance, valid=valid)
    (crop, *_) = crops_of([half], mask_background=False)
    assert crop.weights[:, :24].max() == 0
    assert crop.weights[:, 40:].min() >= 1


def test_mirrored_crops_are_exact_mirrors(two: list[Instance]) -> None:
    crops = crops_of(two)
    for crop, mirror in zip(crops[::2], crops[1::2], strict=True):
        assert np.array_equal(crop.pixels[:, ::-1], mirror.pixels)
        assert np.array_equal(crop.weights[:, ::-1], mirror.weights)
        assert crop.photo == mirror.photo
    assert crops_of(two, random_flip=False)[0].caption == crops[0].caption
    assert len(crops_of(two, random_flip=False)) == len(crops) / 2


@pytest.mark.parametrize(("photos", "asked", "each"), [(1, 4, 12), (2, 4, 6), (2, 9, 9), (5, 4, 4)])
def test_few_photos_give_more_crops_each(
    instance: Instance, photos: int, asked: int, each: int
) -> None:
    crops = crops_of([instance] * photos, crops_per_photo=asked, random_flip=False)
    assert len(crops) == photos * each >= LEAST_CROPS


def test_the_same_seed_repeats_the_cache(small_model: DiffusersModel, two: list[Instance]) -> None:
    first, again, other = (make(small_model, two, seed) for seed in (3, 3, 4))
    assert torch.equal(first.latents, again.latents)
    assert torch.equal(first.loss_weights, again.loss_weights)
    assert not torch.equal(first.latents, other.latents)


def test_crops_that_do_not_fit_together_are_encoded_fewer_at_a_time(
    small_model: DiffusersModel, two: list[Instance], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, sizes, encode = make(small_model, two).latents, [], DiffusersModel.encode_images

    def limited(
        self: DiffusersModel, pixels: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        latents = encode(self, pixels, generator)  # memory may run out after the noise is drawn
        sizes.append(len(pixels))
        if len(pixels) > 2:
            raise torch.cuda.OutOfMemoryError("tried to allocate")
        return latents

    monkeypatch.setattr(DiffusersModel, "encode_images", limited)
    torch.testing.assert_close(make(small_model, two).latents, wanted)
    assert sizes == [8, 4, 2, 2, 4, 2, 2] * 3


def test_resolution(small_model: DiffusersModel, instance: Instance) -> None:
    assert make(small_model, [instance], resolution=128).latents.shape[-2:] == (16, 16)
    with pytest.raises(InvalidInput, match="multiple of 64, not 100"):
        make(small_model, [instance], resolution=100)


def test_no_photos(small_model: DiffusersModel) -> None:
    with pytest.raises(InvalidInput, match="no photo"):
        make(small_model, [])


def test_only_sdxl_is_told_of_sizes(small_model: DiffusersModel, instance: Instance) -> None:
    assert make(small_model, [instance]).add_time_ids is None


def test_sdxl_is_told_every_crops_place(
    new_tiny_sdxl: Callable[[], DiffusersModel], two: list[Instance]
) -> None:
    made = make(new_tiny_sdxl(), two)
    assert made.add_time_ids is not None
    assert made.add_time_ids.shape == (len(made), 6)
    assert made.add_time_ids[:, :2].unique().tolist() == [512.0]
    assert made.add_time_ids[:, 4:].unique().tolist() == [64.0]
    assert len(made.add_time_ids[:, 2:4].unique(dim=0)) > 6
    assert made.cond.pooled_prompt_embeds is not None
    assert made.cond.pooled_prompt_embeds[made.empty_caption].abs().sum() == 0


def test_what_is_cut_off_is_told_in_the_crops_own_pixels(instance: Instance) -> None:
    """Draw coordinates instead of a picture: the crop then tells itself where it comes from."""
    rows, columns = np.mgrid[0:512, 0:512] // 2
    places = np.stack([rows, columns, 0 * rows], axis=-1).astype(np.uint8)
    crop, mirror = crops_of([replace(instance, pixels=places)])[:2]
    middle = crop.pixels[31:33, 31:33, :2].mean(axis=(0, 1)) * 2
    edge = crop.pixels[4:60, 31:33].astype(float) * 2
    scale = 55 / np.hypot(*(edge[-1] - edge[0]).mean(axis=0)[:2])
    top, left, right = crop.cut_off
    assert middle[0] * scale == pytest.approx(top + 31.5, abs=1.5)
    assert middle[1] * scale == pytest.approx(left + 31.5, abs=1.5)
    assert left + 64 + right == pytest.approx(512 * scale, abs=2)
    assert mirror.cut_off == (top, right, left)
    assert crop.time_ids == (512, 512, top, left, 64, 64)


def test_sdxls_sizes_survive_the_file(
    new_tiny_sdxl: Callable[[], DiffusersModel], instance: Instance, tmp_path: Path
) -> None:
    made = make(new_tiny_sdxl(), [instance])
    save_latents(tmp_path / "latents.safetensors", made)
    read = load_latents(tmp_path / "latents.safetensors", torch.device("cpu"))
    assert made.add_time_ids is not None
    assert read.add_time_ids is not None
    assert torch.equal(read.add_time_ids, made.add_time_ids)
    assert made.cond.pooled_prompt_embeds is not None
    assert read.cond.pooled_prompt_embeds is not None
    assert torch.equal(read.cond.pooled_prompt_embeds, made.cond.pooled_prompt_embeds)
