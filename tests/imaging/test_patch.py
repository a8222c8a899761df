from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.masks import dilate
from facechain_ext.imaging.patch import Patch, patch_around


def picture(height: int, width: int) -> Pixels:
    return np.random.default_rng(3).integers(0, 255, (height, width, 3), np.uint8)


def box(shape: tuple[int, int], top: int, left: int, bottom: int, right: int) -> Mask:
    mask = np.zeros(shape, np.float32)
    mask[top:bottom, left:right] = 1
    return mask


def cut(pixels: Pixels, mask: Mask, blend: int = 4) -> Patch:
    return patch_around(pixels, mask, blend=blend, side=192)


@pytest.mark.parametrize("blend", [0, 1, 5, 12])
def test_nothing_beyond_the_blend_changes(blend: int) -> None:
    pixels, mask = picture(200, 300), box((200, 300), 80, 120, 110, 140)
    patch = cut(pixels, mask, blend)
    after = patch.put_back(255 - patch.pixels, pixels)
    beyond = dilate(mask, blend) == 0
    assert np.array_equal(after[beyond], pixels[beyond])
    assert (patch.alpha.max(), patch.alpha.min()) == (1, 0)
    assert (after != pixels)[mask > 0].mean() > 0.9


def test_the_part_is_square_and_in_the_size_that_is_drawn_best() -> None:
    patch = cut(picture(2000, 3000), box((2000, 3000), 900, 1500, 1100, 1650))
    assert patch.size == (192, 192)
    assert patch.alpha.shape[0] == patch.alpha.shape[1]
    assert 300 < patch.alpha.shape[0] < 400


def test_at_the_pictures_edge_the_part_is_moved_inside() -> None:
    patch = cut(picture(500, 500), box((500, 500), 0, 400, 60, 500))
    assert (patch.top, patch.left + patch.alpha.shape[1]) == (0, 500)
    assert patch.size == (192, 192)


@pytest.mark.parametrize(
    ("shape", "size"), [((100, 900), (384, 64)), ((60, 40), (128, 256)), ((1, 700), (384, 64))]
)
def test_a_narrow_picture_is_drawn_as_it_is_shaped(
    shape: tuple[int, int], size: tuple[int, int]
) -> None:
    patch = cut(picture(*shape), box(shape, 0, 0, *shape))
    assert patch.size == size
    assert patch.put_back(patch.pixels, picture(*shape)).shape == (*shape, 3)


def test_every_latent_that_shows_is_painted() -> None:
    mask = box((192, 192), 95, 95, 97, 97)
    patch = patch_around(picture(192, 192), mask, blend=0, side=192, size=(192, 192))
    assert patch.cells.shape == (24, 24)
    assert patch.cells.sum() > 0
    assert patch.put_back(patch.pixels, picture(192, 192)).shape == (192, 192, 3)


def test_a_size_that_is_asked_for_is_kept() -> None:
    mask = box((500, 400), 200, 200, 260, 260)
    assert patch_around(picture(500, 400), mask, blend=4, side=192, size=(64, 128)).size == (
        64,
        128,
    )
