"""Telling skin and features from the hair, hats and frames that lie over them."""

from __future__ import annotations

import cv2
import numpy as np

from facechain_ext.imaging.masks import Shape, dilate, feather, hull
from facechain_ext.portrait.expression import BROWS, LEFT_EYE, OUTER_LIPS, RIGHT_EYE
from facechain_ext.portrait.light import Lab
from facechain_ext.portrait.regions import face_height, smoothstep, upwards
from facechain_ext.records import Mask, Points

_EYES = (*RIGHT_EYE, *LEFT_EYE)
_NOSE = (6, 1, 2, 48, 278, 64, 294)
_JAW_TIP = (148, 152, 377, 176, 400)
_GLASSES = (35, 143, 111, 117, 50, 36, 265, 372, 340, 346, 280, 266)
_CHEEKS = (
    (50, 101, 36, 205, 187, 123, 116, 117, 118),
    (280, 330, 266, 425, 411, 352, 345, 346, 347),
    (122, 6, 351, 5),
)

_SHADED, _HAIR = 0.72, 0.5
"""Lightness over the skin's: from _SHADED on down it may be hair, at _HAIR it is."""

_TINTED, _FOREIGN = 9.0, 18.0
"""Distance of a and b (Lab) from the skin's: from _TINTED on it may be no skin."""

_FRINGE_REACH = 0.07
"""Height of the band over the brows that tells whether hair hangs into it, in face heights."""


def skin(lab: Lab, landmarks: Points) -> Mask:
    """Select what is coloured like the cheeks; eyes, nose, mouth and chin always count as skin.

    Brows count too, unless a fringe hangs over them. landmarks: (478, 2) in this crop.
    """
    height = face_height(landmarks)
    margin = 0.035 * height
    looks = feather(_opened(_likeness(lab, landmarks), round(margin)), 0.02 * height)
    features = _features(landmarks, looks.shape, brows=not _has_fringe(looks, landmarks))
    return np.maximum(looks, feather(dilate(features, round(margin)), margin))


def _likeness(lab: Lab, landmarks: Points) -> Mask:
    """Rate every pixel 0..1 by its distance from the skin's colour."""
    lightness, tint = _reference(lab, landmarks)
    share = lab[..., 0] / np.maximum(lightness, 1)
    off = np.hypot(lab[..., 1] - tint[0], lab[..., 2] - tint[1])
    return smoothstep(share, _HAIR, _SHADED) * smoothstep(off, _FOREIGN, _TINTED)


def _reference(lab: Lab, landmarks: Points) -> tuple[Mask, tuple[float, float]]:
    """Fit lightness by a plane over cheeks and nose bridge, tint by their median."""
    shape = lab.shape[:2]
    solid = np.max([hull(landmarks[list(points)], shape) for points in _CHEEKS], axis=0) > 0.5
    cheeks = lab[solid] if solid.sum() >= 16 else lab.reshape(-1, 3)
    usual, a, b = np.median(cheeks, axis=0).tolist()
    if len(cheeks) > solid.sum():
        return np.full(shape, usual, np.float32), (a, b)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    columns = np.column_stack([x[solid], y[solid], np.ones(len(cheeks), np.float32)])
    right, down, level = np.linalg.lstsq(columns, cheeks[:, 0], rcond=None)[0].tolist()
    plane = np.clip(right * x + down * y + level, 0.6 * usual, 1.4 * usual)
    return plane.astype(np.float32), (a, b)


def _opened(mask: Mask, radius: int) -> Mask:
    """Drop specks smaller than the radius."""
    if radius < 1:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc), np.float32)


def _has_fringe(looks: Mask, landmarks: Points) -> bool:
    """Tell whether most of the band over the brows is no skin."""
    brows = landmarks[list(BROWS)]
    reach = upwards(landmarks) * _FRINGE_REACH * face_height(landmarks)
    band = hull(np.vstack([brows, brows + reach]).astype(np.float32), looks.shape)
    return float((looks * band).sum()) < 0.5 * float(band.sum())


def _features(landmarks: Points, shape: Shape, *, brows: bool) -> Mask:
    upper = hull(landmarks[[*_EYES, *_NOSE, *_GLASSES]], shape)
    lower = hull(landmarks[[*OUTER_LIPS, *_NOSE, *_JAW_TIP]], shape)
    features = np.maximum(upper, lower)
    return np.maximum(features, hull(landmarks[[*BROWS, *_EYES]], shape)) if brows else features
