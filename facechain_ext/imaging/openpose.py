"""The picture of a pose that ControlNets for OpenPose expect: coloured limbs, dots, fingers.

Colours, widths and order are those of OpenPose (Cao et al. 2019) as published ControlNets were
trained on: 18 body points, 70 face points, 21 a hand, on black, drawn at 512 pixels and scaled.
"""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass, field

import cv2
import numpy as np

from facechain_ext.base.records import Pixels, Points
from facechain_ext.imaging.files import resize

DRAWN_SIDE = 512
"""Shorter side in pixels at which the widths below are meant."""
_LIMB_WIDTH, _JOINT_RADIUS, _DOT_RADIUS, _FINGER_WIDTH = 4, 4, 3, 2

HAND = 21
"""Points of a hand."""

EYES_AND_NOSE = (68, 69, 30)
"""Right pupil, left pupil and the nose's tip among a face's 70 points."""

_LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12),
    (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
_COLORS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0),
    (0, 255, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255),
    (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
_SIDES = ((2, 5), (3, 6), (4, 7), (8, 11), (9, 12), (10, 13), (14, 15), (16, 17))
"""Body points of the right and of the left."""
_FINGERS = tuple(
    (0 if joint == 0 else 4 * finger + joint, 4 * finger + joint + 1)
    for finger in range(5)
    for joint in range(4)
)
_KNUCKLE = (0, 0, 255)


def no_hands() -> Points:
    """Return two hands that are not seen, (2, 21, 2)."""
    return np.full((2, HAND, 2), np.nan, np.float32)


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A pose in shares of a picture's width and height; NaN where a point is not seen.

    body: (18, 2): nose, neck, right shoulder, elbow, wrist, the left ones, right hip, knee, ankle,
        the left ones, right eye, left eye, right ear, left ear.
    face: (70, 2): the outline from the right ear, brows, nose, eyes, mouth, pupils.
    hands: (2, 21, 2): the right one and the left one: wrist, then thumb to little finger.
    """

    body: Points
    face: Points
    hands: Points = field(default_factory=no_hands)

    def mirrored(self) -> Skeleton:
        """Swap the picture's sides, and the person's with them."""
        body = self.body.copy()
        for right, left in _SIDES:
            body[[right, left]] = body[[left, right]]
        return Skeleton(_flipped(body), _flipped(self.face), _flipped(self.hands[::-1]))

    def moved(self, x: float, y: float, scale: float = 1.0) -> Skeleton:
        """Shift by shares of the picture, after scaling about its middle."""
        by = np.array([x, y], np.float32)
        parts = (self.body, self.face, self.hands)
        return Skeleton(*((0.5 + (part - 0.5) * scale + by).astype(np.float32) for part in parts))


def draw_skeleton(skeleton: Skeleton, width: int, height: int) -> Pixels:
    """Draw a pose as a condition picture of this size."""
    scale = DRAWN_SIDE / min(width, height)
    size = round(width * scale), round(height * scale)
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    _draw_body(canvas, skeleton.body * size)
    for hand in skeleton.hands[::-1]:
        _draw_hand(canvas, hand * size)
    for x, y in _seen(skeleton.face * size).astype(int).tolist():
        cv2.circle(canvas, (x, y), _DOT_RADIUS, (255, 255, 255), -1)
    return canvas if size == (width, height) else resize(canvas, (width, height))


def _draw_body(canvas: Pixels, points: Points) -> None:
    for (first, second), color in zip(_LIMBS, _COLORS, strict=False):
        ends = points[[first, second]]
        if np.isfinite(ends).all():
            _draw_limb(canvas, ends, color)
    for point, color in zip(points, _COLORS, strict=True):
        if np.isfinite(point).all():
            cv2.circle(canvas, (int(point[0]), int(point[1])), _JOINT_RADIUS, color, -1)


def _draw_hand(canvas: Pixels, points: Points) -> None:
    places = np.where(np.isfinite(points), points, 0).astype(int)
    inside = np.all(places > 0, axis=1)
    for number, (first, second) in enumerate(_FINGERS):
        if inside[first] and inside[second]:
            color = [255 * part for part in colorsys.hsv_to_rgb(number / len(_FINGERS), 1, 1)]
            ends = (places[first].tolist(), places[second].tolist())
            cv2.line(canvas, *ends, color, _FINGER_WIDTH)
    for x, y in places[inside].tolist():
        cv2.circle(canvas, (x, y), _JOINT_RADIUS, _KNUCKLE, -1)


def _draw_limb(canvas: Pixels, ends: Points, color: tuple[int, int, int]) -> None:
    middle, (x, y) = ends.mean(axis=0), ends[0] - ends[1]
    polygon = cv2.ellipse2Poly(
        (int(middle[0]), int(middle[1])),
        (int(math.hypot(x, y) / 2), _LIMB_WIDTH),
        int(math.degrees(math.atan2(y, x))),
        0,
        360,
        1,
    )
    cv2.fillConvexPoly(canvas, polygon, [int(value * 0.6) for value in color])


def _seen(points: Points) -> Points:
    """Keep the points that are there and not left of or above the picture."""
    known = points[np.isfinite(points).all(axis=1)]
    return known[(known.astype(int) > 0).all(axis=1)]


def _flipped(points: Points) -> Points:
    return np.stack([1 - points[..., 0], points[..., 1]], axis=-1).astype(np.float32)
