"""Compositing, sharpness and retouching."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from facechain_ext.imaging.blend import composite
from facechain_ext.imaging.retouch import soften_skin
from facechain_ext.imaging.sharpness import sharpness


@pytest.fixture(scope="module")
def astronaut():
    return data.astronaut()


def test_a_full_mask_shows_over_and_an_empty_one_under(astronaut):
    under = astronaut[::-1]
    for value, expected in ((1, astronaut), (0, under)):
        mask = np.full(astronaut.shape[:2], value, np.float32)
        blended = composite(astronaut, under, mask)
        assert blended.dtype == np.uint8
        np.testing.assert_array_equal(blended, expected)


def test_a_half_mask_mixes_evenly():
    over, under = np.full((4, 4, 3), 201, np.uint8), np.full((4, 4, 3), 100, np.uint8)
    assert (composite(over, under, np.full((4, 4), 0.5, np.float32)) == 150).all()


def test_sharpness_falls_with_blur_and_is_not_fooled_by_brightness(astronaut):
    values = [sharpness(cv2.GaussianBlur(astronaut, (0, 0), s)) for s in (0.5, 1, 2, 4)]
    assert sharpness(astronaut) > values[0] > values[1] > values[2] > values[3] > 0
    darker = (astronaut * 0.5).astype(np.uint8)
    assert sharpness(darker) == pytest.approx(sharpness(astronaut), rel=0.15)
    assert sharpness(np.zeros((8, 8, 3), np.uint8)) == 0


def test_softening_smooths_blemishes_only_under_the_mask_and_keeps_edges():
    rng = np.random.default_rng(1)
    skin = np.full((96, 96, 3), 170, np.int16) + rng.normal(0, 6, (96, 96, 1)).astype(np.int16)
    skin[:, 48:] -= 110
    skin = skin.astype(np.uint8)
    mask = np.zeros((96, 96), np.float32)
    mask[:60] = 1
    soft = soften_skin(skin, mask, 1.0)
    assert soft[5:50, 5:40].std() < 0.7 * skin[5:50, 5:40].std()
    np.testing.assert_array_equal(soft[60:], skin[60:])
    assert soft[30, 44].mean() - soft[30, 52].mean() > 90
    assert soften_skin(skin, mask, 0) is skin
