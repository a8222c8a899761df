"""Colours move as asked; black and white is told from colour."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from facechain_ext.imaging.color import is_monochrome, match_color


@pytest.fixture(scope="module")
def astronaut():
    return data.astronaut()


def lab_means(pixels, where):
    lab = cv2.cvtColor(pixels.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    return lab[where].mean(axis=0)


def test_match_color_undoes_a_tint(astronaut):
    tinted = np.clip(astronaut * np.array([0.8, 0.9, 0.6]) + 10, 0, 255).astype(np.uint8)
    mask = np.zeros(astronaut.shape[:2], np.float32)
    mask[60:180, 170:280] = 1
    matched = match_color(tinted, astronaut, mask)
    face = mask > 0
    assert matched.dtype == np.uint8
    before = np.abs(tinted.astype(int) - astronaut)[face].mean()
    after = np.abs(matched.astype(int) - astronaut)[face].mean()
    assert after < 0.3 * before
    np.testing.assert_allclose(lab_means(matched, face), lab_means(astronaut, face), atol=1.5)


def test_match_color_without_a_mask_to_compare_changes_nothing(astronaut):
    empty = np.zeros(astronaut.shape[:2], np.float32)
    np.testing.assert_array_equal(match_color(astronaut, astronaut[::-1], empty), astronaut)


def test_match_color_of_a_picture_with_itself_is_the_picture(astronaut):
    same = match_color(astronaut, astronaut, np.ones(astronaut.shape[:2], np.float32))
    assert np.abs(same.astype(int) - astronaut).max() <= 1


def test_colour_grey_and_sepia_are_told_apart(astronaut):
    grey = np.repeat(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=-1)
    sepia = (grey * np.array([1.0, 0.89, 0.71])).astype(np.uint8)
    assert not is_monochrome(astronaut)
    assert is_monochrome(grey)
    assert is_monochrome(sepia)
    assert is_monochrome(np.zeros((1, 1, 3), np.uint8))
