"""Trousers, shorts and skirts that nobody wears: waist, fork, hem and both sides, row by row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask
from facechain_ext.tryon.part import has_legs
from facechain_ext.tryon.strips import Line, Strips, smoothed

_WAIST_ROW, _HIP_ROW = 0.02, 0.12
"""Where a waist is measured, and over how much a garment's upper edge counts, in its height."""

_RISE = (0.45, 0.62, 0.8)
"""How far below the waist legs part: at least, usually and at most, in widths at the hips."""

_GAP = 0.01
"""What between two legs is a gap, in a garment's width."""

_SKIRT_HIP = 0.45
"""How far below its waist a skirt is at the hips, in widths of the waist."""

_JITTER, _CORNER = 0.004, 0.03
"""Unevenness of an outline, and how far up a hem's corner is rounded, in a garment's height."""


def flat_strips(mask: Mask, name: str) -> Strips:
    """Measure a garment for the lower body, waist up; raises InvalidInput for a tiny one."""
    solid = mask > 0.5
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if len(rows) < 16 or len(columns) < 16:
        raise InvalidInput(f"The garment in {name} is too small to be fitted.")
    top, last = _waist(solid, rows, columns), int(rows[-1])
    legs = has_legs(solid)
    middle = _middle(solid, top, last)
    outer, inner = (np.full((last + 1 - top, 2), np.nan) for _ in range(2))
    for row in range(top, last + 1):
        outer[row - top], inner[row - top] = _row(solid[row], middle, legs)
    inner[~np.isfinite(inner)] = middle
    hem = float(np.mean([np.flatnonzero(np.isfinite(outer[:, n]))[-1] for n in (0, 1)])) + top
    fork = _fork(outer, inner, top) if legs else _hips(outer, top)
    for n in (0, 1):
        outer[:, n], inner[:, n] = _squared(outer[:, n]), _squared(inner[:, n])
    spread = _JITTER * (last - top)
    return Strips(top, smoothed(outer, spread), smoothed(inner, spread), float(top), fork, hem)


def _waist(solid: NDArray[np.bool_], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> int:
    """Return the first row of the front: the upper edge as it is in the middle."""
    near = solid[rows[0] + max(1, round(_WAIST_ROW * len(rows)))]
    ends = np.flatnonzero(near)
    left, right = (ends[0], ends[-1]) if len(ends) else (columns[0], columns[-1])
    part = solid[:, left : right + 1].argmax(axis=0)
    return int(np.median(part))


def _middle(solid: NDArray[np.bool_], top: int, last: int) -> float:
    part = solid[top : top + max(2, round(_HIP_ROW * (last - top)))]
    ends = [np.flatnonzero(row)[[0, -1]].mean() for row in part if row.any()]
    return float(np.median(ends))


def _row(row: NDArray[np.bool_], middle: float, legs: bool) -> tuple[Line, Line]:
    """Return outer and inner edges; NaN where a side is empty."""
    columns = np.flatnonzero(row)
    outer, inner = np.full(2, np.nan), np.full(2, np.nan)
    sides = columns[columns < middle], columns[columns >= middle]
    for n, side in enumerate(sides):
        if len(side):
            outer[n], inner[n] = (side[0], side[-1]) if n == 0 else (side[-1], side[0])
    if not legs:
        inner[:] = np.nanmean(outer) if np.isfinite(outer).all() else middle
    return outer, inner


def _squared(edge: Line) -> Line:
    """Let an edge end as it comes: corners are rounded, and hems hang lower on one side."""
    last = max(1, round(_CORNER * len(edge)))
    return np.concatenate([edge[:-last], np.full(last, edge[-last - 1])])


def _fork(outer: Line, inner: Line, top: int) -> float:
    """Return the row where legs part, or where they should where they touch further down."""
    spans = outer[:, 1] - outer[:, 0]
    hips = float(np.nanmax(spans[: max(2, round(0.25 * len(spans)))]))
    gaps = np.flatnonzero(inner[:, 1] - inner[:, 0] > max(2.0, _GAP * hips))
    least, usual, most = (share * hips for share in _RISE)
    gaps = gaps[gaps > least]
    found = float(gaps[0]) if len(gaps) else usual
    return top + (found if found < most else usual)


def _hips(outer: Line, top: int) -> float:
    waist = float(np.nanmedian((outer[:, 1] - outer[:, 0])[: max(2, round(0.06 * len(outer)))]))
    return top + min(_SKIRT_HIP * waist, 0.6 * len(outer))
