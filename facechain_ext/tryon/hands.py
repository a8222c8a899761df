"""Hands and forearms that are before the trunk: a garment goes under them."""

from __future__ import annotations

import cv2
import numpy as np

from facechain_ext.base.records import Mask
from facechain_ext.tryon.figure import Figure

_SURE = 0.35
_ELBOWS, _WRISTS = (7, 8), (9, 10)
_FOREARM, _HAND = 0.22, 0.5
"""Half a forearm's width, and how far a hand reaches beyond the wrist, in face heights."""


def hands(figure: Figure) -> Mask:
    """Select skin along the forearms that are seen, and beyond the wrists."""
    points, scores = figure.body
    canvas = np.zeros(figure.pixels.shape[:2], np.uint8)
    for elbow, wrist in zip(_ELBOWS, _WRISTS, strict=True):
        if min(scores[elbow], scores[wrist]) < _SURE:
            continue
        along = points[wrist] - points[elbow]
        length = max(float(np.hypot(*along)), 1.0)
        tip = points[wrist] + along * np.float32(_HAND * figure.unit / length)
        width = max(2, round(2 * _FOREARM * figure.unit))
        start, end = (tuple(int(value) for value in place) for place in (points[elbow], tip))
        cv2.line(canvas, start, end, 1, width)
        cv2.circle(canvas, end, width, 1, cv2.FILLED)
    return np.asarray(canvas * figure.parts.body_skin, np.float32)
