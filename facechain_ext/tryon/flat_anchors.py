"""The points of a garment that nobody wears: collar, shoulders, armpits and sleeves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask
from facechain_ext.tryon.anchors import FLANK, HEM, ON_SLOPE, Anchors, Sleeve, moved
from facechain_ext.tryon.outline import upper_edge
from facechain_ext.tryon.part import has_legs
from facechain_ext.tryon.rows import ARMPIT, ROWS, SIDES, Place, edges

_WAIST = 0.65
"""The row at which a garment's trunk is measured, in its height: below sleeves that are spread."""

_COLLAR = (0.12, 0.65)
"""How far from the middle a collar may end, in halves of the trunk."""

_LEVEL = 0.015
"""How even the upper edge is between the ends of a collar, in halves of the trunk."""

_WIDER = 1.12
"""Over the trunk's half, from which on an edge is a sleeve's."""

_SHOULDER = 0.85
"""Where a garment without sleeves has its shoulders, in halves of the trunk."""

_END = 0.12
"""How much of a sleeve is its end, in its length."""


def flat_anchors(mask: Mask, name: str, trunk: int | None = None) -> Anchors:
    """Measure a garment for the upper body, collar up; raises InvalidInput for another shape.

    trunk: the row below the sleeves at which it is measured, if that is known.
    """
    solid = mask > 0.5
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if len(rows) < 16 or len(columns) < 16:
        raise InvalidInput(f"The garment in {name} is too small to be fitted.")
    if has_legs(solid):
        raise InvalidInput(
            f"{name} shows trousers, which are not worn above the hips: choose the part lower, or "
            "auto."
        )
    left = int(columns[0])
    return moved(_measured(mask[:, left : int(columns[-1]) + 1], trunk), left)


def _measured(mask: Mask, trunk: int | None) -> Anchors:
    """Measure a garment that reaches from one side of its mask to the other."""
    solid = mask > 0.5
    rows = np.flatnonzero(solid.any(axis=1))
    top, height = int(rows[0]), len(rows)
    row = top + round(_WAIST * height) if trunk is None else trunk
    middle = _middle(solid, row)
    halves = {n: _half(solid, middle, side, row) for n, side in SIDES.items()}
    pits = {n: _armpit(solid, middle, side, halves[n], top, row) for n, side in SIDES.items()}
    places: dict[str, Place] = {}
    ends = {}
    for n, side in SIDES.items():
        out = halves[n] * (1.0 if pits[n] is not None else _SHOULDER)
        places |= _slope(n, side, upper_edge(mask, middle, side), middle, halves[n], out)
        ends[n] = places[f"{n} slope {ON_SLOPE[-1]}"]
    width = abs(ends["right"][0] - ends["left"][0])
    shoulder = (ends["right"][1] + ends["left"][1]) / 2
    roots = [places[f"{n} slope {ON_SLOPE[0]}"][1] for n in SIDES]
    places["middle"] = (middle, float(np.mean(roots)))
    places |= _trunk(solid, middle, shoulder, width, pits)
    under = [pit[1] for pit in pits.values() if pit is not None] or [shoulder + ARMPIT * width]
    wide = np.flatnonzero(solid.sum(axis=1) > 0.5 * (halves["left"] + halves["right"]))
    places |= _hem(solid, middle, float(np.mean(under)), int(wide[-1]) if len(wide) else top)
    found = {n: _sleeve(solid, middle, side, ends[n], pits[n], width) for n, side in SIDES.items()}
    sleeves = {n: sleeve for n, sleeve in found.items() if sleeve is not None}
    return Anchors(places, width, shoulder, middle, sleeves=sleeves)


def _middle(solid: NDArray[np.bool_], row: int) -> float:
    """Return the column halfway between the trunk's sides, seen from the middle of the mass."""
    start = float(np.nonzero(solid)[1].mean())
    reach = [edges(solid[row], start, side, solid.shape[1]) for side in SIDES.values()]
    left, right = (outer if gap is None else gap for gap, outer in reach)
    return start + (right - left) / 2


def _half(solid: NDArray[np.bool_], middle: float, side: int, row: int) -> float:
    gap, outer = edges(solid[row], middle, side, solid.shape[1])
    return max(outer if gap is None else gap, 4.0)


def _armpit(
    solid: NDArray[np.bool_], middle: float, side: int, half: float, top: int, below: int
) -> Place | None:
    """Look upwards for the row where the trunk becomes wider or a sleeve joins it."""
    for row in range(below, top, -1):
        gap, outer = edges(solid[row], middle, side, solid.shape[1])
        if gap is None and outer > _WIDER * half:
            return middle + side * half, float(row)
    return None


def _slope(
    name: str, side: int, edge: NDArray[np.float64], middle: float, half: float, out: float
) -> dict[str, Place]:
    """Return the points from the collar's end to the shoulder's."""
    first, last = (round(share * half) for share in _COLLAR)
    part = edge[first : max(last, first + 1)]
    collar = first + int(np.flatnonzero(part <= part.min() + _LEVEL * half)[-1])
    end = min(max(round(out), collar + 2), len(edge) - 1)
    across = {share: collar + share * (end - collar) for share in ON_SLOPE}
    return {
        f"{name} slope {share}": (middle + side * at, float(np.interp(at, range(len(edge)), edge)))
        for share, at in across.items()
    }


def _trunk(
    solid: NDArray[np.bool_],
    middle: float,
    shoulder: float,
    width: float,
    pits: dict[str, Place | None],
) -> dict[str, Place]:
    places: dict[str, Place] = {}
    for share in ROWS:
        row = round(shoulder + share * width)
        if row >= len(solid) or not solid[row].any():
            break
        places[f"middle {share}"] = (middle, float(row))
        for name, side in SIDES.items():
            pit = pits[name]
            if share == 0.4 and pit is not None:
                places[f"{name} trunk {share}"] = pit
            elif share >= 0.4 and (pit is None or row > pit[1] + 0.05 * width):
                gap, outer = edges(solid[row], middle, side, solid.shape[1])
                reach = outer if gap is None else gap
                places[f"{name} trunk {share}"] = (middle + side * reach, float(row))
    return places


def _hem(solid: NDArray[np.bool_], middle: float, armpit: float, last: int) -> dict[str, Place]:
    """Return the end, and the sides down to it; the last row itself may be a corner's alone."""
    places: dict[str, Place] = {HEM: (middle, float(last))}
    for part in FLANK:
        row = armpit + part * (last - armpit)
        seen = min(round(row), last - max(1, last // 50))
        for name, side in SIDES.items():
            gap, outer = edges(solid[seen], middle, side, solid.shape[1])
            places[f"{name} flank {part}"] = (middle + side * (outer if gap is None else gap), row)
    return places


def _sleeve(
    solid: NDArray[np.bool_],
    middle: float,
    side: int,
    shoulder: Place,
    pit: Place | None,
    width: float,
) -> Sleeve | None:
    """Find the end of a sleeve: what of it lies farthest from the shoulder."""
    if pit is None:
        return None
    rows, columns = np.nonzero(solid)
    beyond = side * (columns - middle) > abs(pit[0] - middle) + 1
    points = np.column_stack([columns, rows])[beyond].astype(np.float64)
    if len(points) < 16:
        return None
    base = (np.array(shoulder) + np.array(pit)) / 2
    axis = points.mean(axis=0) - base
    axis /= max(float(np.hypot(*axis)), 1e-6)
    along = (points - base) @ axis
    end = points[along >= (1 - _END) * along.max()]
    across = (end - base) @ np.array([-axis[1], axis[0]])
    first, last = end[across.argmin()].tolist(), end[across.argmax()].tolist()
    outer, inner = sorted((tuple(first), tuple(last)), key=lambda p: p[1] - side * p[0])
    length = np.hypot(*((np.array(first) + np.array(last)) / 2 - np.array(shoulder)))
    return Sleeve(outer, inner, float(length) / width)
