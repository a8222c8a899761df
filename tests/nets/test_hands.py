"""Hands on a drawn one, and on an arm of skimage's astronaut that ends in none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.records import Pixels
from facechain_ext.nets import FaceNets, HandReader
from facechain_ext.nets.hands import SURE, Arm
from facechain_ext.portrait.skeleton import to_hands

pytestmark = pytest.mark.model

SKIN, SHADE = (205, 150, 120), (184, 135, 108)
FINGERS = (
    ((165, 265), (105, 215), 22),
    ((170, 215), (150, 120), 20),
    ((192, 205), (186, 95), 21),
    ((214, 207), (222, 105), 20),
    ((232, 220), (256, 140), 17),
)
TIPS = (4, 8, 12, 16, 20)
ARM = ((200, 620), (200, 500), (200, 320))


def a_hand() -> Pixels:
    """Draw an open left hand from behind, its forearm coming from below."""
    picture = np.full((400, 400, 3), (60, 70, 90), np.uint8)
    cv2.line(picture, (200, 399), (200, 300), SKIN, 46, cv2.LINE_AA)
    cv2.ellipse(picture, (200, 250), (44, 52), 0, 0, 360, SKIN, -1, cv2.LINE_AA)
    for start, end, width in (*FINGERS[1:], FINGERS[0]):
        cv2.line(picture, start, end, SHADE, width + 3, cv2.LINE_AA)
        cv2.line(picture, start, end, SKIN, width, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), np.uint8)


def arm(places: object = ARM) -> Arm:
    return Arm(*np.array(places, np.float32))


def test_the_tips_of_the_fingers_are_found_in_every_opencv() -> None:
    found = HandReader().locate(a_hand(), arm())
    assert found.score > SURE
    tips = np.array([end for _, end, _ in FINGERS])
    assert np.abs(found.points[list(TIPS)] - tips).max() < 6
    assert found.points[0, 1] > found.points[list(TIPS), 1].max() + 40, "the wrist is below"


def test_however_the_arm_is_held() -> None:
    turned = np.ascontiguousarray(np.rot90(a_hand()))
    held = [(y, 399 - x) for x, y in ARM]
    found = HandReader().locate(turned, arm(held))
    tips = np.array([(end[1], 399 - end[0]) for _, end, _ in FINGERS])
    assert found.score > SURE
    assert np.abs(found.points[list(TIPS)] - tips).max() < 8


def test_an_arm_without_a_hand_gives_none_nor_does_one_that_is_not_seen() -> None:
    nets, body = FaceNets(), np.full((18, 2), np.nan, np.float32)
    body[[2, 3, 4]] = (108, 256), (200, 300), (230, 110)
    assert np.isnan(to_hands(astronaut(), body, nets.hands)).all()
    body[[2, 3, 4]] = np.nan
    body[[5, 6, 7]] = ARM
    hands = to_hands(a_hand(), body, nets.hands)
    assert np.isnan(hands[0]).all()
    assert np.isfinite(hands[1]).all()
