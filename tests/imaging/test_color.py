"""Black and white is told from colour."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from facechain_ext.imaging.color import is_monochrome


@pytest.fixture(scope="module")
def astronaut():
    return data.astronaut()


@pytest.fixture(scope="module")
def grey(astronaut):
    return np.repeat(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=-1)


def test_a_colour_photo_is_not_monochrome(astronaut):
    assert not is_monochrome(astronaut)
    assert not is_monochrome(np.ascontiguousarray(astronaut[60:180, 170:280]))


@pytest.mark.parametrize("tint", [(1, 1, 1), (1, 0.89, 0.71), (0.8, 0.9, 1)])
def test_black_and_white_and_single_tints_are_monochrome(grey, tint):
    assert is_monochrome((grey * np.array(tint)).astype(np.uint8))


def test_a_little_colour_counts(astronaut, grey):
    pale = (0.7 * grey + 0.3 * astronaut).astype(np.uint8)
    assert not is_monochrome(pale)


def test_a_single_pixel_is_monochrome():
    assert is_monochrome(np.zeros((1, 1, 3), np.uint8))
