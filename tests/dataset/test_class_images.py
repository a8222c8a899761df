"""Prior preservation: what is drawn, and how much it weighs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from facechain_ext.base.errors import Cancelled, InvalidInput
from facechain_ext.base.records import Instance
from facechain_ext.config import TrainConfig
from facechain_ext.dataset.class_images import ClassImage, class_captions, draw_class_images
from facechain_ext.dataset.latents import LatentCache, cache
from facechain_ext.diffusion.diffusers_model import DiffusersModel

CONFIG = TrainConfig(crops_per_photo=2, prior_loss_weight=0.5)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facechain_ext.dataset.class_images.SAMPLING_STEPS", 2)


def test_captions_lose_the_trigger_word(instance: Instance) -> None:
    captions = ["fcsks, photo of a woman", "a photo of fcsks", "fcsks, photo of a woman"]
    instances = [replace(instance, caption=caption) for caption in captions]
    assert class_captions(instances, "fcsks") == ["photo of a woman", "a photo of"]


def test_pictures_are_drawn_from_captions_in_turn(small_model: DiffusersModel, quick: None) -> None:
    drawn = draw_class_images(small_model, ["photo", "an"], count=3, side=64)
    again = draw_class_images(small_model, ["photo", "an"], count=3, side=64)
    assert [image.caption for image in drawn] == ["photo", "an", "photo"]
    assert drawn[0].pixels.shape == (64, 64, 3)
    assert not np.array_equal(drawn[0].pixels, drawn[2].pixels)
    for one, other in zip(drawn, again, strict=True):
        assert np.array_equal(one.pixels, other.pixels)


def test_drawing_can_be_cancelled(small_model: DiffusersModel) -> None:
    def stop(step: int, steps: int) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        draw_class_images(small_model, ["photo"], count=1, side=64, on_step=stop)
    with pytest.raises(InvalidInput, match="caption"):
        draw_class_images(small_model, [], count=1, side=64)


def cached(
    model: DiffusersModel, instance: Instance, images: list[ClassImage], **changes: Any
) -> LatentCache:
    config, generator = replace(CONFIG, **changes), torch.Generator().manual_seed(0)
    return cache(model, [instance], config, generator=generator, class_images=images)


def test_class_images_join_the_cache_with_their_weight(
    small_model: DiffusersModel, instance: Instance
) -> None:
    side = small_model.resolution
    gray = np.full((side, side, 3), 128, np.uint8)
    plain = cached(small_model, instance, [])
    joined = cached(small_model, instance, [ClassImage(gray, "photo of somebody")] * 3)
    photos, drawn = joined.loss_weights[:-3], joined.loss_weights[-3:]
    assert torch.equal(joined.latents[:-3], plain.latents)
    assert torch.equal(photos, plain.loss_weights)
    assert joined.photo_index[-3:].tolist() == [-1, -1, -1]
    assert drawn.mean(dim=(1, 2, 3)).sum().item() == pytest.approx(0.5 * len(plain))
    caption = small_model.encode_prompts(["photo of somebody"]).prompt_embeds[0]
    rows = joined.cond.prompt_embeds[joined.caption_index[-3:]]
    assert all(torch.allclose(row, caption, atol=1e-5) for row in rows)
