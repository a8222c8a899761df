"""Trousers, shorts and skirts are told by their outline and measured by it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask
from facechain_ext.imaging.masks import erode
from facechain_ext.tryon.flat_anchors import flat_anchors
from facechain_ext.tryon.flat_strips import flat_strips
from facechain_ext.tryon.part import is_dress, worn_below
from facechain_ext.tryon.trim import parted, trimmed
from tests.tryon.bodies import dyed, gown, skirt, trousers
from tests.tryon.conftest import shirt_mask


def dress_outline() -> Mask:
    mask = np.zeros((900, 600), np.float32)
    mask[:600] = shirt_mask()
    mask[520:880, 160:440] = 1
    mask[:, :100], mask[:, 500:] = 0, 0
    return mask


@pytest.mark.parametrize(
    ("mask", "below"),
    [
        (trousers(), True),
        (trousers(170), True),
        (skirt(), True),
        (shirt_mask(), False),
        (dress_outline(), False),
    ],
    ids=["trousers", "shorts", "skirt", "shirt", "dress"],
)
def test_the_outline_tells_where_it_is_worn(mask: Mask, *, below: bool) -> None:
    assert worn_below(mask) == below


def test_a_dress_is_told_from_a_top() -> None:
    assert not is_dress(shirt_mask())
    assert is_dress(dress_outline()[:, 100:500])


def test_trousers_are_measured_from_waist_to_hem() -> None:
    strips = flat_strips(trousers(), "it.png")
    assert strips.waist == pytest.approx(30, abs=3)
    assert strips.fork == pytest.approx(112, abs=12)
    assert strips.hem == pytest.approx(370, abs=3)
    (outer,), (inner,) = strips.at(np.array([240.0]))
    assert outer == pytest.approx((62, 178), abs=4)
    assert inner == pytest.approx((112, 128), abs=4)
    assert strips.legs


def test_a_skirt_has_no_fork() -> None:
    strips = flat_strips(skirt(), "it.png")
    assert not strips.legs
    assert strips.hem == pytest.approx(230, abs=3)


def test_ground_between_legs_that_touch_and_shadows_come_off() -> None:
    mask = trousers()
    pixels = dyed(mask, (170, 60, 70))
    mask[300:371, 56:185] = 1
    mask[110:300, 105:136] = 1
    wide = np.zeros_like(mask)
    wide[:, 3:] = mask[:, :-3]
    pixels[(wide > 0) & (trousers() == 0)] = (243, 243, 243)
    found = trimmed(np.maximum(mask, wide), pixels)
    assert found[190:290, 118:122].max() < 0.5
    assert (np.abs(found - trousers()) > 0.5).mean() < 0.02


def test_ground_between_sleeves_and_trunk_comes_off() -> None:
    mask = gown(sleeves=125)
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((41, 41), np.uint8))
    corners = (closed > 0.5) & (mask < 0.5)
    corners[:60] = False
    found = parted(closed, dyed(mask, (170, 60, 70)))
    assert corners.sum() > 300
    assert found[corners].mean() < 0.1
    assert found[erode(mask, 4) > 0.5].mean() > 0.99


def test_a_garment_is_measured_alike_in_a_wide_picture() -> None:
    narrow = flat_anchors(shirt_mask(), "it.png")
    wide = flat_anchors(np.pad(shirt_mask(), ((0, 0), (700, 700))), "it.png")
    assert wide.places == {name: (x + 700, y) for name, (x, y) in narrow.places.items()}
    assert wide.sleeves["left"].outer[0] == narrow.sleeves["left"].outer[0] + 700


def test_a_speck_is_too_small() -> None:
    mask = np.zeros((90, 90), np.float32)
    mask[40:50, 40:50] = 1
    with pytest.raises(InvalidInput, match="too small"):
        flat_strips(mask, "it.png")
