"""Telling skin and features from the hair, hats and frames that lie over them."""

from __future__ import annotations

import numpy as np

from facechain_ext.base.records import Mask, Points
from facechain_ext.imaging.masks import Shape, dilate, erode, feather, hull
from facechain_ext.portrait.expression import BROWS, LEFT_EYE, OUTER_LIPS, RIGHT_EYE
from facechain_ext.portrait.light import Lab
from facechain_ext.portrait.regions import face_height, smoothstep, upwards

_EYES = (*RIGHT_EYE, *LEFT_EYE)
_NOSE = (6, 1, 2, 48, 278, 64, 294)
_JAW_TIP = (148, 152, 377, 176, 400)
_GLASSES = (*_EYES, 35, 143, 111, 117, 50, 36, 265, 372, 340, 346, 280, 266)
_CHEEKS = (
    (50, 101, 36, 205, 187, 123, 116, 117, 118),
    (280, 330, 266, 425, 411, 352, 345, 346, 347),
    (122, 6, 351, 5),
)

_SHADED, _HAIR = 0.72, 0.5
"""Lightness over the skin's: from _SHADED on down it may be hair, at _HAIR it is."""

_TINTED, _FOREIGN = 9.0, 18.0
"""Distance of a and b (Lab) from the skin's: from _TINTED on it may be no skin."""

_FRINGE_BAND = (0.04, 0.13)
"""How high over the brows a fringe may end and still come into an exchanged face."""

_FRINGE_REACH = 0.07
"""Height of the band over the brows that tells whether hair hangs into it, in face heights."""


def skin(lab: Lab, landmarks: Points, *, glasses: bool = False) -> Mask:
    """Select what is coloured like the cheeks; eyes, nose, mouth and chin always count as skin.

    Brows count too, unless a fringe hangs over them.
    landmarks: (478, 2) in this crop. glasses: whether all that glasses cover counts as well.
    """
    height = face_height(landmarks)
    margin = 0.035 * height
    cleaned = _without_specks(_likeness(lab, landmarks), round(margin), round(margin / 2))
    looks = feather(cleaned, margin / 2)
    features = _features(landmarks, looks.shape, brows=not _has_fringe(looks, landmarks))
    if glasses:
        features = np.maximum(features, hull(landmarks[list(_GLASSES)], looks.shape))
    return np.maximum(looks, feather(dilate(features, round(margin)), margin))


def bare_forehead(lab: Lab, landmarks: Points) -> float:
    """Return the share of skin, 0..1, in the band over the brows where a fringe would end."""
    brows, up = landmarks[list(BROWS)], upwards(landmarks) * face_height(landmarks)
    low, high = (brows + up * np.float32(reach) for reach in _FRINGE_BAND)
    band = hull(np.vstack([low, high]).astype(np.float32), lab.shape[:2])
    return float((_likeness(lab, landmarks) * band).sum()) / max(float(band.sum()), 1.0)


def cheeks(landmarks: Points, shape: Shape) -> Mask:
    """Select both cheeks and the bridge of the nose, where skin is most even."""
    hulls = [hull(landmarks[list(points)], shape) for points in _CHEEKS]
    return np.asarray(np.max(hulls, axis=0), np.float32)


def _likeness(lab: Lab, landmarks: Points) -> Mask:
    """Rate every pixel 0..1 by its distance from the skin's colour."""
    lightness, tint = _reference(lab, landmarks)
    share = lab[..., 0] / np.maximum(lightness, 1)
    off = np.hypot(lab[..., 1] - tint[0], lab[..., 2] - tint[1])
    return smoothstep(share, _HAIR, _SHADED) * smoothstep(off, _FOREIGN, _TINTED)


def _reference(lab: Lab, landmarks: Points) -> tuple[Mask, tuple[float, float]]:
    """Fit lightness by a plane over cheeks and nose bridge, tint by their median."""
    shape = lab.shape[:2]
    solid = cheeks(landmarks, shape) > 0.5
    shown = lab[solid] if solid.sum() >= 16 else lab.reshape(-1, 3)
    usual, a, b = np.median(shown, axis=0).tolist()
    if len(shown) > solid.sum():
        return np.full(shape, usual, np.float32), (a, b)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    columns = np.column_stack([x[solid], y[solid], np.ones(len(shown), np.float32)])
    right, down, level = np.linalg.lstsq(columns, shown[:, 0], rcond=None)[0].tolist()
    plane = np.clip(right * x + down * y + level, 0.6 * usual, 1.4 * usual)
    return plane.astype(np.float32), (a, b)


def _without_specks(mask: Mask, radius: int, hole_radius: int) -> Mask:
    """Drop parts smaller than a radius, then fill holes smaller than another: shadows, moles."""
    opened = dilate(erode(mask, radius), radius)
    return erode(dilate(opened, hole_radius), hole_radius)


def _has_fringe(looks: Mask, landmarks: Points) -> bool:
    """Tell whether most of the band over the brows is no skin."""
    brows = landmarks[list(BROWS)]
    reach = upwards(landmarks) * _FRINGE_REACH * face_height(landmarks)
    band = hull(np.vstack([brows, brows + reach]).astype(np.float32), looks.shape)
    return float((looks * band).sum()) < 0.5 * float(band.sum())


def _features(landmarks: Points, shape: Shape, *, brows: bool) -> Mask:
    upper = hull(landmarks[[*_EYES, *_NOSE]], shape)
    lower = hull(landmarks[[*OUTER_LIPS, *_NOSE, *_JAW_TIP]], shape)
    features = np.maximum(upper, lower)
    return np.maximum(features, hull(landmarks[[*BROWS, *_EYES]], shape)) if brows else features
