"""The upper edge of a trunk or a garment: where the neck ends, and where the shoulder falls."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask

_STEEP = 1.2
"""Rows that an edge falls a column, from which on it is no slope of a shoulder any more."""

_WINDOW = 0.12
"""Over which steepness is measured, in units."""

Line = NDArray[np.float64]


class Slope(NamedTuple):
    """One side's shoulder, from the root of the neck outwards; pixels of the picture.

    points: (N, 2), of even distances across. ends: whether the shoulder's end is in the picture.
    """

    points: NDArray[np.float64]
    ends: bool


def slope(trunk: Mask, middle: float, side: int, unit: float, *, count: int = 5) -> Slope | None:
    """Follow the upper edge of a mask from a column outwards; side: -1 left, 1 right.

    unit: a face's height, by which windows are measured. None where there is no edge.
    """
    line = upper_edge(trunk, middle, side)
    line = line[: _length(line)]
    window = max(2, round(_WINDOW * unit))
    if len(line) < 3 * window:
        return None
    line = _falling(line)
    steep = (line[window:] - line[:-window]) / window
    root = _root(steep, line, unit)
    ends = np.flatnonzero(steep[root:] > _STEEP)
    end = root + int(ends[0]) + window // 2 if len(ends) else len(line) - 1
    if end - root < window:
        return None
    across = np.linspace(root, end, count)
    rows = np.interp(across, np.arange(len(line)), line)
    columns = round(middle) + side * across
    at_border = columns[-1] <= 1 or columns[-1] >= trunk.shape[1] - 2
    return Slope(np.column_stack([columns, rows]), bool(len(ends)) or not at_border)


def upper_edge(mask: Mask, middle: float, side: int) -> Line:
    """Return for each column outwards the first row that is in; the height where none is."""
    start = int(np.clip(round(middle), 0, mask.shape[1] - 1))
    columns = mask[:, start::side] if side > 0 else mask[:, start::-1]
    solid = columns > 0.5
    first = solid.argmax(axis=0).astype(np.float64)
    first[~solid.any(axis=0)] = len(mask)
    return np.asarray(first, np.float64)


def _length(line: Line) -> int:
    """Return how many columns there are before the first without an edge."""
    empty = np.flatnonzero(line >= line.max()) if len(line) else np.zeros(0, int)
    reached = np.flatnonzero(line < np.inf)
    return int(empty[0]) if len(empty) and line.max() > line.min() else len(reached)


def _falling(line: Line) -> Line:
    """Let the edge only fall outwards: what hair hides near the neck lies at least as high."""
    return np.asarray(np.minimum.accumulate(line[::-1])[::-1], np.float64)


def _root(steep: Line, line: Line, unit: float) -> int:
    """Return the column where the neck has ended: below its start, and no longer steep."""
    below = line[: len(steep)] > line[0] + 0.08 * unit
    flat = np.flatnonzero(below & (steep < _STEEP))
    return int(flat[0]) if len(flat) else 0
