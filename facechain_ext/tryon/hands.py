"""Arms and hands that are before the trunk: a garment goes under them."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask
from facechain_ext.tryon.figure import Figure

_SURE = 0.35
_SHOULDERS, _ELBOWS, _WRISTS = (5, 6), (7, 8), (9, 10)
_FOREARM, _HAND = 0.22, 0.5
"""Half a forearm's width, and how far a hand reaches beyond the wrist, in face heights."""

_CORE, _BARE = 0.06, 0.5
"""Half an arm's surest part, in face heights, and how much of it is skin where no sleeve is."""


def hands(figure: Figure) -> Mask:
    """Select skin along the forearms that are seen, and beyond the wrists."""
    return np.asarray(forearms(figure) * figure.parts.body_skin, np.float32)


def arms(figure: Figure) -> Mask:
    """Select whole arms that are seen: their skin, and all that may be a sleeve."""
    found = [forearms(figure) * figure.parts.body_skin > 0.5]
    skin = figure.parts.body_skin > 0.5
    for start, end in (*_forearms(figure), *_segments(figure, _SHOULDERS, _ELBOWS)):
        area = _drawn(figure, start, end, _FOREARM) > 0
        core = _drawn(figure, start, end, _CORE) > 0
        bare = core.any() and skin[core].mean() > _BARE
        found.append(area & skin if bare else area)
    return np.asarray(np.any(found, axis=0), np.float32)


def forearms(figure: Figure) -> Mask:
    """Select where forearms and hands may be, in sleeves or bare."""
    canvas = np.zeros(figure.pixels.shape[:2], np.uint8)
    for elbow, tip in _forearms(figure):
        canvas |= _drawn(figure, elbow, tip, _FOREARM)
        end = (int(tip[0]), int(tip[1]))
        cv2.circle(canvas, end, max(2, round(2 * _FOREARM * figure.unit)), 1, cv2.FILLED)
    return canvas.astype(np.float32)


def _forearms(figure: Figure) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield elbows and the tips of hands."""
    for elbow, wrist in _segments(figure, _ELBOWS, _WRISTS):
        along = wrist - elbow
        length = max(float(np.hypot(*along)), 1.0)
        yield elbow, np.asarray(wrist + along * np.float32(_HAND * figure.unit / length))


def _segments(
    figure: Figure, starts: tuple[int, int], ends: tuple[int, int]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    points, scores = figure.body
    for start, end in zip(starts, ends, strict=True):
        if min(scores[start], scores[end]) >= _SURE:
            yield points[start], points[end]


def _drawn(
    figure: Figure, start: NDArray[np.float32], end: NDArray[np.float32], half: float
) -> NDArray[np.uint8]:
    canvas = np.zeros(figure.pixels.shape[:2], np.uint8)
    first, last = (tuple(int(value) for value in place) for place in (start, end))
    cv2.line(canvas, first, last, 1, max(2, round(2 * half * figure.unit)))
    return canvas
