"""Compositing, multiband blending, sharpness and retouching."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from facechain_ext.imaging.blend import composite, multiband
from facechain_ext.imaging.masks import ellipse
from facechain_ext.imaging.retouch import soften_skin
from facechain_ext.imaging.sharpness import sharpness


@pytest.fixture(scope="module")
def astronaut():
    return data.astronaut()


@pytest.mark.parametrize("blend", [composite, multiband])
def test_a_full_mask_shows_over_and_an_empty_one_under(blend, astronaut):
    under = astronaut[::-1]
    for value, expected in ((1, astronaut), (0, under)):
        mask = np.full(astronaut.shape[:2], value, np.float32)
        blended = blend(astronaut, under, mask)
        assert blended.dtype == np.uint8
        assert np.abs(blended.astype(int) - expected).max() <= 1


def test_a_half_mask_mixes_evenly():
    over, under = np.full((4, 4, 3), 201, np.uint8), np.full((4, 4, 3), 100, np.uint8)
    assert (composite(over, under, np.full((4, 4), 0.5, np.float32)) == 150).all()


def test_multiband_leaves_no_step_where_composite_does():
    over, under = np.full((128, 128, 3), 180, np.uint8), np.full((128, 128, 3), 100, np.uint8)
    mask = ellipse((64, 64), (30, 30), (128, 128))

    def steepest(pixels):
        return np.abs(np.diff(pixels[..., 0].astype(int), axis=1)).max()

    blended = multiband(over, under, mask, levels=3)
    assert steepest(composite(over, under, mask)) > 60
    assert steepest(blended) < 20
    assert blended[64, 64, 0] > 165
    assert blended[0, 0, 0] == 100


@pytest.mark.parametrize("shape", [(5, 7), (31, 130)])
def test_multiband_takes_odd_and_tiny_sizes(shape):
    over, under = np.full((*shape, 3), 9, np.uint8), np.full((*shape, 3), 9, np.uint8)
    assert (multiband(over, under, np.eye(*shape, dtype=np.float32)) == 9).all()


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
