"""Where legs are in a picture, row by row: their outer and inner edges, arms left out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.hands import arms
from facechain_ext.tryon.strips import Line

_RIM = 0.15
"""What is narrower beyond an arm is the arm's own rim, in face heights."""


def leg_edges(figure: Figure, middles: Line, first: int) -> tuple[Line, Line]:
    """Return outer and inner edges of both legs at every row, NaN where arms hide them."""
    before = arms(figure) > 0
    parts = figure.parts
    whole = (np.clip(figure.cloth + parts.body_skin + parts.other, 0, 1) > 0.5) | before
    rim = np.ones((1, 2 * max(1, round(_RIM * figure.unit / 2)) + 1), np.uint8)
    body = cv2.morphologyEx((whole & ~before).astype(np.uint8), cv2.MORPH_OPEN, rim) > 0
    sleeves = before & (parts.body_skin < 0.5)
    outer, inner, hidden = (np.full(middles.shape, np.nan) for _ in range(3))
    for row in range(max(0, first), len(body)):
        between = middles[row].mean()
        for side in (0, 1):
            start, way = round(middles[row, side]), (-1, 1)[side]
            if not 0 <= start < body.shape[1] or not body[row, start]:
                continue
            outwards = _run(whole[row], start, way)
            reached = _last(body[row], start, way, outwards)
            beside = _at(sleeves[row], start + way * (reached + 1), way)
            (hidden if beside else outer)[row, side] = start + way * reached
            most = abs(between - middles[row, side])
            inner[row, side] = start - way * min(_run(body[row], start, -way), most)
    unseen = np.isnan(outer).all(axis=0)
    outer[:, unseen] = hidden[:, unseen]
    return outer, inner


def _run(row: NDArray[np.bool_], start: int, way: int) -> int:
    """Return how many columns it goes on from one that is in."""
    part = row[start::way] if way > 0 else row[start::-1]
    ends = np.flatnonzero(~part)
    return int(ends[0]) - 1 if len(ends) else len(part) - 1


def _last(row: NDArray[np.bool_], start: int, way: int, most: int) -> int:
    """Return how many columns on a row is last in: hands may be before it, with cloth beyond."""
    part = (row[start::way] if way > 0 else row[start::-1])[: most + 1]
    return int(np.flatnonzero(part)[-1])


def _at(sleeves: NDArray[np.bool_], column: int, way: int) -> bool:
    near = sorted((column - 3 * way, column + 6 * way))
    return bool(sleeves[max(0, near[0]) : max(0, near[1])].any())
