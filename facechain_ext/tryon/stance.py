"""How somebody stands: the rows of waist, fork, knees and ankles, and where each leg is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.errors import InvalidInput
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.hands import arms
from facechain_ext.tryon.strips import Line, Strips, smoothed

_SURE = 0.3
_SHOULDERS, _HIPS, _KNEES, _ANKLES = (6, 5), (12, 11), (14, 13), (16, 15)
"""Joints by their numbers, the one to the left in the picture first."""

_WAIST, _FORK = 0.27, 0.22
"""How far above the hips trousers begin, and below them legs part, in lengths of the trunk."""

_THIGH, _SHIN = 0.85, 0.8
"""Lengths of a thigh and a shin in lengths of the trunk, where the picture ends before."""

_BENT = 0.35
"""Down to which length a thigh or a shin is bent, in lengths of the trunk."""

_STANDING = (
    "For what is worn below the waist choose a photo of somebody who stands and faces the camera, "
    "down to the thighs or further."
)

_RIM = 0.15
"""What is narrower beyond an arm is the arm's own rim, in face heights."""

_STEP = 0.006
"""Jitter of an outline, in lengths of a body."""


@dataclass(frozen=True, eq=False)
class Stance:
    """A standing body below the shoulders. Rows in pixels; what the picture does not show may lie
    beyond its end.

    legs: their strips from waist to ankles, as wide as what is worn on them. trunk: from
    shoulders to hips. middles: (H, 2), the middle of each leg at each row of the picture.
    ends: the row of the old hem, 0 where none is seen.
    """

    legs: Strips
    shoulder: float
    hip: float
    knee: float
    trunk: float
    middles: Line
    ends: float


def read_stance(figure: Figure) -> Stance:
    """Measure the legs; raises InvalidInput where hips are not seen, or not from the front."""
    shoulders, hips = (_joints(figure, pair) for pair in (_SHOULDERS, _HIPS))
    if shoulders is None or hips is None or hips[0, 0] >= hips[1, 0]:
        raise InvalidInput(f"The hips in {figure.name} cannot be made out. {_STANDING}")
    shoulder, hip = (float(pair[:, 1].mean()) for pair in (shoulders, hips))
    trunk = hip - shoulder
    _require_upright(figure, shoulders, hips, trunk)
    knees, ankles = _below(figure, hips, trunk)
    rows = np.arange(len(figure.pixels), dtype=np.float64)
    middles = np.column_stack(
        [np.interp(rows, *(np.array([hips[n], knees[n], ankles[n]]).T[::-1])) for n in range(2)]
    )
    waist, knee, ankle = hip - _WAIST * trunk, float(knees[:, 1].mean()), ankles[:, 1].max()
    outer, inner = _edges(figure, middles, round(waist - 0.5 * trunk))
    top = max(0, round(waist - 0.5 * trunk))
    spread = _STEP * 3 * trunk
    legs = Strips(
        top,
        smoothed(outer[top:], spread),
        smoothed(inner[top:], spread),
        waist,
        _fork(inner[top:], hip + _FORK * trunk, top, trunk),
        ankle,
    )
    return Stance(legs, shoulder, hip, knee, trunk, middles, _ends(figure, middles, hip))


def _require_upright(figure: Figure, shoulders: Line, hips: Line, trunk: float) -> None:
    if trunk < 1.5 * abs(float((shoulders - hips)[:, 0].mean())) or trunk < figure.unit:
        raise InvalidInput(f"Whoever is in {figure.name} does not stand upright. {_STANDING}")
    if hips[:, 1].max() + _FORK * trunk > len(figure.pixels):
        raise InvalidInput(f"{figure.name} ends at the waist. {_STANDING}")


def _below(figure: Figure, hips: Line, trunk: float) -> tuple[Line, Line]:
    """Return knees and ankles; where they are not seen, where they would be."""
    knees, ankles = (_joints(figure, pair) for pair in (_KNEES, _ANKLES))
    if knees is None:
        knees = hips + np.array([0, _THIGH * trunk])
    elif (knees - hips)[:, 1].min() < _BENT * trunk:
        raise InvalidInput(f"Whoever is in {figure.name} does not stand upright. {_STANDING}")
    if ankles is None or (ankles - knees)[:, 1].min() < _BENT * trunk:
        ankles = knees + np.array([0, _SHIN * trunk])
    return knees, ankles


def _joints(figure: Figure, pair: tuple[int, int]) -> NDArray[np.float64] | None:
    points, scores = figure.stance
    if scores[list(pair)].min() < _SURE:
        return None
    return np.asarray(points[list(pair)], np.float64)


def _edges(figure: Figure, middles: Line, first: int) -> tuple[Line, Line]:
    """Return outer and inner edges of both legs at every row, NaN where arms hide them."""
    before = arms(figure) > 0
    parts = figure.parts
    whole = (np.clip(figure.cloth + parts.body_skin + parts.other, 0, 1) > 0.5) | before
    rim = np.ones((1, max(3, round(_RIM * figure.unit))), np.uint8)
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
    if np.isnan(outer).all(axis=0).any():
        raise InvalidInput(f"The legs in {figure.name} cannot be made out. {_STANDING}")
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


def _ends(figure: Figure, middles: Line, hip: float) -> float:
    """Return the last row of cloth below the hips: the old hem; 0 where there is none."""
    rows = np.arange(len(middles))
    columns = np.clip(np.rint(middles), 0, figure.pixels.shape[1] - 1).astype(np.int64)
    cloth = figure.parts.clothes[rows[:, None], columns] > 0.5
    worn = np.flatnonzero(cloth.any(axis=1) & (rows > hip))
    return float(worn[-1]) if len(worn) else 0.0


def _fork(inner: Line, usual: float, top: int, trunk: float) -> float:
    """Return the row from which on legs are seen apart, if it is near where they do part."""
    apart = np.flatnonzero(inner[:, 1] - inner[:, 0] > 2) + top
    apart = apart[apart > usual - 0.2 * trunk]
    return float(np.clip(apart[0], usual, usual + 0.08 * trunk)) if len(apart) else usual
