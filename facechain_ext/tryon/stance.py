"""How somebody stands: the rows of waist, fork, knees and ankles, and where each leg is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.errors import InvalidInput
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.legs import leg_edges
from facechain_ext.tryon.strips import Line, Strips, smoothed

_SURE = 0.3
_SHOULDERS, _HIPS, _KNEES, _ANKLES = (6, 5), (12, 11), (14, 13), (16, 15)
"""Joints by their numbers, the one to the left in the picture first."""

_WAIST, _FORK = 0.27, 0.22
"""How far above the hips trousers begin, and below them legs part, in lengths of the trunk."""

_THIGH, _SHIN = 0.85, 0.8
"""Lengths of a thigh and a shin in lengths of the trunk, where the picture ends before."""

_FACING, _BESIDE = 0.24, 0.15
"""How far hips and knees are apart at least from the front, in lengths of the trunk."""

_LEAP = 0.3
"""How far an outline may leap from one row to the next, in lengths of the trunk."""

_BENT = 0.35
"""Down to which length a thigh or a shin is bent, in lengths of the trunk."""

_STANDING = (
    "For what is worn below the waist choose a photo of somebody who stands and faces the camera, "
    "down to the thighs or further."
)

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
    _require_facing(figure, hips, knees, trunk)
    rows = np.arange(len(figure.pixels), dtype=np.float64)
    middles = np.column_stack(
        [np.interp(rows, *(np.array([hips[n], knees[n], ankles[n]]).T[::-1])) for n in range(2)]
    )
    waist, knee, ankle = hip - _WAIST * trunk, float(knees[:, 1].mean()), ankles[:, 1].max()
    outer, inner = leg_edges(figure, middles, round(waist - 0.5 * trunk))
    if np.isnan(outer).all(axis=0).any():
        raise InvalidInput(f"The legs in {figure.name} cannot be made out. {_STANDING}")
    leaps = np.abs(np.diff(outer[round(hip) : round(knee)], axis=0))
    if np.nanmax(leaps, initial=0.0) > _LEAP * trunk:
        raise InvalidInput(
            f"The legs in {figure.name} cannot be told from what is behind them. {_STANDING}"
        )
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


def _require_facing(figure: Figure, hips: Line, knees: Line, trunk: float) -> None:
    """Raise InvalidInput for whoever turns or crosses legs: one would be behind the other."""
    between = [float(np.diff(pair[:, 0])[0]) / trunk for pair in (hips, knees)]
    if between[0] < _FACING or between[1] < _BESIDE:
        raise InvalidInput(
            f"Whoever is in {figure.name} turns away, or one leg is before the other. {_STANDING}"
        )


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
