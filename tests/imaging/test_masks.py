"""Masks are float32 between 0 and 1 and cover what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from facechain_ext.imaging import masks

SQUARE = np.array([(10, 10), (40, 10), (40, 30), (10, 30)], np.float32)


def assert_is_mask(mask, shape):
    assert mask.dtype == np.float32
    assert mask.shape == shape
    assert 0 <= mask.min() <= mask.max() <= 1


def test_hull_ignores_the_order_and_the_inner_points():
    inner = np.array([(25, 20), (20, 20)], np.float32)
    mask = masks.hull(np.concatenate([inner, SQUARE[[2, 0, 3, 1]]]), (50, 60))
    assert_is_mask(mask, (50, 60))
    assert mask.sum() == pytest.approx(31 * 21, rel=0.06)
    assert mask[20, 25] == 1
    assert mask[5, 5] == 0


def test_polygon_keeps_the_order():
    arrow = np.array([(10, 10), (40, 10), (15, 20), (40, 30), (10, 30)], np.float32)
    assert masks.polygon(arrow, (50, 60))[20, 35] == 0
    assert masks.hull(arrow, (50, 60))[20, 35] == 1


@pytest.mark.parametrize("angle", [0, 30, 90])
def test_an_ellipse_has_its_area_and_turns_clockwise(angle):
    mask = masks.ellipse((80, 70), (40, 20), (140, 160), angle=angle)
    assert_is_mask(mask, (140, 160))
    assert mask.sum() == pytest.approx(math.pi * 40 * 20, rel=0.01)
    tip = 80 + 35 * math.cos(math.radians(angle)), 70 + 35 * math.sin(math.radians(angle))
    assert mask[round(tip[1]), round(tip[0])] == 1


def test_the_face_oval_follows_the_mesh_and_leaves_the_rest():
    mesh = np.zeros((478, 2), np.float32)
    turn = np.linspace(0, 2 * np.pi, len(masks.FACE_OVAL), endpoint=False)
    mesh[list(masks.FACE_OVAL)] = np.stack([50 + 30 * np.sin(turn), 60 - 40 * np.cos(turn)], 1)
    mask = masks.face_oval(mesh, (120, 100))
    assert_is_mask(mask, (120, 100))
    assert mask.sum() == pytest.approx(math.pi * 30 * 40, rel=0.05)


def test_feather_softens_the_border_and_keeps_the_sum():
    mask = masks.ellipse((50, 50), (25, 25), (100, 100))
    soft = masks.feather(mask, 8)
    assert_is_mask(soft, (100, 100))
    assert soft.sum() == pytest.approx(mask.sum(), rel=0.01)
    assert ((soft > 0.05) & (soft < 0.95)).sum() > 3 * ((mask > 0.05) & (mask < 0.95)).sum()
    assert masks.feather(mask, 0) is mask


def test_erode_and_dilate_move_the_border_by_the_radius():
    disc = masks.ellipse((50, 50), (25, 25), (100, 100))
    for changed, radius in ((masks.erode(disc, 5), 20), (masks.dilate(disc, 5), 30)):
        assert_is_mask(changed, (100, 100))
        assert (changed > 0.5).sum() == pytest.approx(math.pi * radius**2, rel=0.06)
    assert masks.erode(disc, 0) is masks.dilate(disc, 0) is disc


@pytest.fixture
def two_discs():
    large = masks.feather(masks.ellipse((30, 50), (20, 20), (100, 120)), 4)
    small = masks.feather(masks.ellipse((90, 50), (10, 10), (100, 120)), 4)
    return large, small


def test_the_component_under_the_seed_stays(two_discs):
    large, small = two_discs
    seed = np.zeros_like(small)
    seed[50, 90] = 1
    np.testing.assert_allclose(masks.components_at(large + small, seed), small, atol=1e-3)
    nowhere = np.zeros_like(small)
    np.testing.assert_array_equal(masks.components_at(large + small, nowhere), large + small)
    assert masks.components_at(large, large) is large


@pytest.mark.parametrize("radius", [6, 16])
def test_a_guided_filter_sharpens_a_border_where_the_picture_has_one(radius):
    picture = np.full((120, 160, 3), 40, np.uint8)
    picture[:, 80:] = 200
    truth = (picture[..., 0] > 100).astype(np.float32)
    rough = masks.feather(truth, radius / 3)
    fitted = masks.guided_filter(rough, picture, radius=radius, eps=1e-4)
    assert_is_mask(fitted, (120, 160))
    assert np.diff(fitted[60]).max() > 2 * np.diff(rough[60]).max()
    plain = np.full_like(picture, 99)
    blurred = masks.guided_filter(rough, plain, radius=radius, eps=1e-4)
    assert np.diff(blurred[60]).max() < np.diff(rough[60]).max()


def test_rounding_off_takes_teeth_and_keeps_the_outline() -> None:
    y, x = np.mgrid[:100, :100]
    straight = (x >= 50).astype(np.float32)
    ragged = (x + 3 * (y % 4 < 2) >= 51).astype(np.float32)
    rounded = masks.smooth(ragged, 8)
    assert np.ptp(rounded[20:80], axis=0).max() < 0.35
    assert np.abs(rounded - straight).mean() < 0.03
    assert rounded[:, 60:].min() == 1
    assert masks.smooth(ragged, 0) is ragged


def test_what_is_near_a_mask_is_told_by_distance() -> None:
    mask = np.zeros((40, 40), np.float32)
    mask[20, 20] = 1
    y, x = np.mgrid[:40, :40]
    near = masks.within(mask, 6) > 0
    assert near[np.hypot(x - 20, y - 20) < 5.5].all()
    assert not near[np.hypot(x - 20, y - 20) > 6.5].any()
    assert masks.within(np.zeros_like(mask), 6).max() == 0
