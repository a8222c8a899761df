"""Parts of a face as soft masks over one crop.

All landmarks are the 478 points in the crop's own pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from facechain_ext.base.records import Mask, Points
from facechain_ext.imaging.masks import Shape, dilate, face_oval, feather, hull, polygon
from facechain_ext.portrait.expression import BROWS, LEFT_EYE, OUTER_LIPS, RIGHT_EYE

_FOREHEAD, _CHIN = 10, 152
_FOLDS = (206, 426, 216, 436, 212, 432, 204, 424)

BORDER = 0.04
"""Width of the soft border inside the face oval, in face heights."""

_FOREHEAD_FULL, _FOREHEAD_END = 0.10, 0.19
"""How far above the brows a face may be exchanged, in face heights: hairlines differ."""

_SMEARED, _SHARP = 0.2, 0.45
"""Source pixels per drawn pixel, over the face's median: below, a warp smears."""


def smoothstep(values: ArrayLike, low: float, high: float) -> Mask:
    """Rise softly from 0 at `low` to 1 at `high`; fall where low is above high."""
    share = np.clip((np.asarray(values, np.float32) - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def face_height(landmarks: Points) -> float:
    """Return the distance from the top of the forehead to the chin in pixels."""
    return max(float(np.hypot(*(landmarks[_FOREHEAD] - landmarks[_CHIN]))), 1.0)


def upwards(landmarks: Points) -> NDArray[np.float32]:
    """Return the unit vector from the chin to the forehead."""
    up = (landmarks[_FOREHEAD] - landmarks[_CHIN]) / np.float32(face_height(landmarks))
    return np.asarray(up, np.float32)


def inside_face(landmarks: Points, shape: Shape, *, border: float = BORDER) -> Mask:
    """Select the face oval below the upper forehead: 0 at its edge, 1 a soft border further in.

    border: its width in face heights.
    """
    solid = np.pad((face_oval(landmarks, shape) > 0.99).astype(np.uint8), 1)
    depth = np.asarray(cv2.distanceTransform(solid, cv2.DIST_L2, 5))[1:-1, 1:-1]
    # The outermost pixels have depth 1.
    soft = smoothstep(depth - 1, 0, max(border * face_height(landmarks), 1.0))
    return soft * smoothstep(above_brows(landmarks, shape), _FOREHEAD_END, _FOREHEAD_FULL)


def above_brows(landmarks: Points, shape: Shape) -> Mask:
    """Return every pixel's height over the brows, in face heights."""
    up = upwards(landmarks)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    above = x * up[0] + y * up[1] - (landmarks[list(BROWS)] @ up).max()
    return np.asarray(above / face_height(landmarks), np.float32)


def unsmeared(magnification: Mask, inside: Mask, *, radius: float) -> Mask:
    """Leave out where a warp stretches far or folds: the hidden side of a turned head."""
    if not (inside > 0.5).any():
        return inside
    usual = max(float(np.median(magnification[inside > 0.5])), 1e-6)
    even = cv2.GaussianBlur(magnification, (0, 0), radius, borderType=cv2.BORDER_REPLICATE)
    return smoothstep(np.asarray(even) / usual, _SMEARED, _SHARP)


def mouth(landmarks: Points, shape: Shape) -> Mask:
    """Select the mouth and, softly, the folds around it that move with it."""
    height = face_height(landmarks)
    around = dilate(hull(landmarks[[*OUTER_LIPS, *_FOLDS]], shape), round(0.03 * height))
    return feather(around, 0.06 * height)


def eyes(landmarks: Points, shape: Shape) -> Mask:
    """Select both eyes with their lids."""
    margin = 0.012 * face_height(landmarks)
    both = [polygon(landmarks[list(eye)], shape) for eye in (RIGHT_EYE, LEFT_EYE)]
    return feather(dilate(np.maximum(*both), round(margin)), margin)
