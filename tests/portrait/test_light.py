"""Light, shades and sharpness in Lab."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.data import astronaut

from facechain_ext.base.records import Pixels
from facechain_ext.imaging.masks import ellipse
from facechain_ext.portrait.light import (
    degrain,
    grain,
    match_border,
    relight,
    sharpen_like,
    smooth_inside,
    to_lab,
    to_rgb,
)

FACE: Pixels = np.ascontiguousarray(astronaut()[60:180, 170:290])
MASK = ellipse((60, 60), (45, 55), (120, 120))
INSIDE = ellipse((60, 60), (35, 45), (120, 120)) > 0.5


def lit_from_left(pixels: Pixels) -> Pixels:
    lamp = np.linspace(1.1, 0.5, pixels.shape[1])[None, :, None]
    return np.clip(pixels * lamp, 0, 255).astype(np.uint8)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_colours_survive_lab(color: tuple[int, int, int]) -> None:
    pixels = np.full((2, 2, 3), color, np.uint8)
    assert np.abs(to_rgb(to_lab(pixels)).astype(int) - pixels).max() <= 1


def test_an_even_picture_stays_even_under_a_mask() -> None:
    even = np.full((120, 120, 3), 7, np.float32)
    smooth = smooth_inside(even, MASK, radius=9)
    assert smooth[INSIDE] == pytest.approx(7, abs=1e-2)


def test_what_lies_outside_the_mask_does_not_bleed_in() -> None:
    values = np.where(MASK[..., None] > 0, np.float32(50), np.float32(0)) * np.ones(3, np.float32)
    assert smooth_inside(values, MASK, radius=15)[INSIDE] == pytest.approx(50, abs=0.5)


def test_light_moves_and_detail_stays() -> None:
    """Relighting an evenly lit face like a side-lit copy of itself gives nearly that copy."""
    even, side = to_lab(FACE), to_lab(lit_from_left(FACE))
    lit = relight(even, side, MASK, radius=15, tint_radius=8)
    before = np.abs(even[..., 0] - side[..., 0])[INSIDE].mean()
    after = np.abs(lit[..., 0] - side[..., 0])[INSIDE].mean()
    assert after < 0.15 * before


def test_relighting_like_itself_changes_nothing() -> None:
    lab = to_lab(FACE)
    assert relight(lab, lab, MASK, radius=15, tint_radius=8) == pytest.approx(lab, abs=1e-2)


def test_contrast_rises_little_above_the_lights() -> None:
    harsh, gentle = to_lab(FACE), to_lab(FACE)
    harsh[..., 0] = np.clip(60 + 3 * (harsh[..., 0] - 60), 0, 100)
    lit = relight(harsh, gentle, MASK, radius=15, tint_radius=8)
    assert lit[..., 0][INSIDE].std() < 1.5 * gentle[..., 0][INSIDE].std()


def test_a_step_at_the_border_vanishes_and_the_middle_stays() -> None:
    mask = cv2.GaussianBlur(MASK, (0, 0), 4)
    outer = np.full((120, 120, 3), 60, np.float32)
    inner = outer + 8
    bent = match_border(inner, outer, mask, radius=6)
    seam = np.abs(mask - 0.5) < 0.1
    assert np.abs(bent - outer)[seam].mean() < 1.5
    assert bent[60, 60] == pytest.approx(inner[60, 60], abs=0.5)


def test_hair_beside_skin_does_not_darken_it() -> None:
    mask = cv2.GaussianBlur(MASK, (0, 0), 4)
    skin = np.full((120, 120, 3), 70, np.float32)
    hair = np.full((120, 120, 3), 10, np.float32)
    assert match_border(skin, hair, mask, radius=6).min() >= 70 - 12 - 1e-3


def test_a_blurred_face_is_lent_fine_detail() -> None:
    sharp = to_lab(FACE)
    blurred = to_lab(cv2.GaussianBlur(FACE, (0, 0), 3))
    lent = sharpen_like(blurred, sharp, MASK, radius=2)
    assert np.abs(lent - sharp)[INSIDE].mean() < 0.8 * np.abs(blurred - sharp)[INSIDE].mean()


def test_a_sharp_face_is_left_alone() -> None:
    sharp = to_lab(FACE)
    blurred = to_lab(cv2.GaussianBlur(FACE, (0, 0), 3))
    assert np.array_equal(sharpen_like(sharp, blurred, MASK, radius=2), sharp)


def test_grain_is_the_noise_of_even_skin() -> None:
    skin = np.full((120, 120, 3), (60, 12, 15), np.float32)
    assert grain(skin, MASK, radius=3) == pytest.approx(0, abs=1e-3)
    skin[..., 0] += np.random.default_rng(0).normal(0, 2, (120, 120))
    assert grain(skin, MASK, radius=3) == pytest.approx(2, rel=0.15)
    assert grain(skin, MASK * 0, radius=3) == 0


def test_degraining_removes_noise_and_keeps_edges_and_colour() -> None:
    noisy = np.full((120, 120, 3), (60, 12, 15), np.float32)
    noisy[:, 60:, 0] = 20
    noisy[..., 0] += np.random.default_rng(0).normal(0, 2, (120, 120))
    clean = degrain(noisy, 2.0, radius=3)
    assert grain(clean, MASK, radius=3) < 0.5 * grain(noisy, MASK, radius=3)
    assert clean[60, :58, 0].mean() - clean[60, 62:, 0].mean() == pytest.approx(40, abs=1.5)
    assert np.array_equal(clean[..., 1:], noisy[..., 1:])


def test_a_pale_picture_stays_pale() -> None:
    colourful, pale = to_lab(FACE), to_lab(FACE)
    pale[..., 1:] *= 0.1
    lit = relight(colourful, pale, MASK, radius=15, tint_radius=8)
    assert np.abs(lit[..., 1:])[INSIDE].mean() < 2 * np.abs(pale[..., 1:])[INSIDE].mean()
