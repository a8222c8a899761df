"""Hands of 21 points (Google MediaPipe's hand landmarks), looked for where a forearm leads."""

from __future__ import annotations

import math
from typing import NamedTuple

from facechain_ext.base.records import Pixels, Points
from facechain_ext.imaging.geometry import (
    Matrix,
    crop_matrix,
    invert,
    rotation,
    transform_points,
    warp,
)
from facechain_ext.nets.network import Network, to_blob

SURE = 0.9
"""Score from which it is a hand, not a shoulder or half a hand."""
_LOOKS, _HOPELESS = 4, 0.05
"""How often at most it is looked at, and the score below which it is not again."""

_SIDE = 224
_POINTS = 21
_BEYOND, _FOREARMS, _UPPER_ARM = 0.33, 1.5, 0.9
"""OpenPose's box: so far beyond the wrist, so many forearms wide, by the longer part of the arm."""
_WRIST, _MIDDLE = 0, 9
_PALM = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)
_ROOM, _UP = 2.0, 0.1
"""How much wider than the palm the picture of a hand is, and how much further up its middle."""


class Arm(NamedTuple):
    """Where shoulder, elbow and wrist are, (2,) each, in pixels."""

    shoulder: Points
    elbow: Points
    wrist: Points


class HandPoints(NamedTuple):
    """Wrist, then thumb, index, middle, ring and little finger from the palm on, (21, 2), pixels.

    score: how sure the net is that it is a hand, 0..1.
    """

    points: Points
    score: float


class HandReader:
    """Finds hands."""

    def __init__(self) -> None:
        self._network = Network("hand_landmark_full.onnx")

    def locate(self, pixels: Pixels, arm: Arm) -> HandPoints:
        """Return the hand that an arm ends in; whether it is one, the score tells.

        Looks again and again: each time it is told better how it is turned and how large it is.
        """
        found = self._look(pixels, _beyond(arm))
        for _ in range(_LOOKS - 1):
            if found.score >= _HOPELESS:
                found = self._look(pixels, _around(found.points))
        return found

    def _look(self, pixels: Pixels, matrix: Matrix) -> HandPoints:
        crop = warp(pixels, matrix, (_SIDE, _SIDE))
        outputs = self._network.run(to_blob(crop, scale=1 / 255))
        inside = outputs["points"].reshape(_POINTS, 3)[:, :2]
        score = float(outputs["presence"].reshape(-1)[0])
        return HandPoints(transform_points(inside, invert(matrix)), score)


def _beyond(arm: Arm) -> Matrix:
    """Cut the square where OpenPose looks for a hand, fingers up."""
    forearm = arm.wrist - arm.elbow
    length = max(math.dist(arm.wrist, arm.elbow), _UPPER_ARM * math.dist(arm.elbow, arm.shoulder))
    x, y = (arm.wrist + _BEYOND * forearm).tolist()
    angle = _turn(arm.elbow, arm.wrist)
    return crop_matrix((x, y), _FOREARMS * max(length, 1.0), size=_SIDE, angle=angle)


def _around(points: Points) -> Matrix:
    """Cut the square that a hand fills as the net was taught."""
    angle = _turn(points[_WRIST], points[_MIDDLE])
    level = transform_points(points[list(_PALM)], rotation((0, 0), angle))
    low, high = level.min(axis=0), level.max(axis=0)
    longest = max(1.0, float((high - low).max()))
    middle = (low + high) / 2 - (0, _UP * longest)
    (x, y), *_ = transform_points([middle], rotation((0, 0), -angle)).tolist()
    return crop_matrix((x, y), _ROOM * longest, size=_SIDE, angle=angle)


def _turn(start: Points, end: Points) -> float:
    """Return by how many degrees a line is turned from pointing up."""
    across, down = (end - start).tolist()
    return math.degrees(math.atan2(across, -down))
