"""Points of a body that every body has, by name: what a garment is fitted by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Points
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.outline import Slope, slope
from facechain_ext.tryon.rows import ARMPIT, ROWS, SIDES, Place, below

ON_SLOPE = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Where a shoulder is measured, from the root of the neck to its end."""

HEM = "middle hem"

FLANK = (0.3, 0.65, 1.0)
"""Where sides are measured that have an end, from the armpit to it."""

_ABOVE_HEM = {str(share) for share in ROWS if share > ARMPIT}

_HEM = 0.12
"""How far below the hips a garment for the upper body ends, in shoulder widths."""

_SHOULDERS = 2.4
"""Shoulder width in face heights, where a picture cuts shoulders off."""

_FALL = 0.35
"""How far shoulders fall from the neck, in face heights, where a picture cuts them off."""


@dataclass(frozen=True)
class Sleeve:
    """The end of a sleeve that lies apart: its outer and inner corner, and how far down an arm."""

    outer: Place
    inner: Place
    share: float


@dataclass(frozen=True)
class Anchors:
    """Named points in pixels. width: of the shoulders. shoulder: the row that they end at.

    apart: names of the rows where an arm is seen apart from the trunk. sleeves: by side.
    """

    places: Mapping[str, Place]
    width: float
    shoulder: float
    middle: float
    apart: frozenset[str] = frozenset()
    sleeves: Mapping[str, Sleeve] = field(default_factory=dict)

    def shared(self, body: Anchors) -> tuple[Points, Points]:
        """Return the points that a garment and a body both have, (N, 2) each.

        Arms count where both hang alike; sleeves go down the body's arms.
        """
        unlike = self.apart ^ body.apart
        names = [name for name in self.places if name in body.places and name not in unlike]
        if HEM in names:  # the rows between follow from where it ends
            names = [name for name in names if name.rpartition(" ")[2] not in _ABOVE_HEM]
        pairs = [(self.places[name], body.places[name]) for name in names]
        for side, sleeve in self.sleeves.items():
            pairs.append((sleeve.outer, body.beside(side, "outer", sleeve.share)))
            pairs.append((sleeve.inner, body.beside(side, "trunk", max(sleeve.share, ARMPIT))))
        own, theirs = ([pair[place] for pair in pairs] for place in (0, 1))
        return np.array(own, np.float32), np.array(theirs, np.float32)

    @property
    def neck(self) -> int:
        """The first row of the shoulders."""
        return max(0, round(min(self.places[f"{side} slope {ON_SLOPE[0]}"][1] for side in SIDES)))

    def beside(self, side: str, what: str, share: float) -> Place:
        """Return where an edge of a trunk or an arm is at any row."""
        rows = [row for row in ROWS if f"{side} {what} {row}" in self.places]
        columns = [self.places[f"{side} {what} {row}"][0] for row in rows]
        return float(np.interp(share, rows, columns)), self.shoulder + share * self.width


def figure_anchors(figure: Figure) -> Anchors:
    """Measure a figure; raises InvalidInput where no shoulder is seen."""
    trunk, unit, middle = figure.trunk, figure.unit, figure.chin[0]
    slopes = {name: slope(trunk, middle, side, unit) for name, side in SIDES.items()}
    left, right = _both(slopes["left"], slopes["right"], middle, figure.name)
    middle = (left.points[0, 0] + right.points[0, 0]) / 2
    half = max(_half(left, middle, unit), _half(right, middle, unit))
    places = {"middle": (middle, float(left.points[0, 1] + right.points[0, 1]) / 2)}
    for name, line in (("left", left), ("right", right)):
        places |= dict(_on_slope(name, line, middle, half))
    row = _shoulder_row(left, right, unit)
    if (hips := figure.hips) is None or hips[1] <= row:
        rows, apart = below(trunk, middle, row, 2 * half)
        return Anchors({**places, **rows}, 2 * half, row, middle, apart)
    lean = (hips[0] - middle) / (hips[1] - row)
    rows, apart = below(trunk, middle, row, 2 * half, lean=lean)
    whole = Anchors({**places, **rows}, 2 * half, row, middle, apart)
    return replace(whole, places=_hemmed(whole, *hips))


def _hemmed(body: Anchors, column: float, row: float) -> dict[str, Place]:
    """Add where a garment for the upper body ends, by the place between the hips."""
    last = (row - body.shoulder) / body.width + _HEM
    sides = {
        f"{side} flank {part}": body.beside(side, "trunk", ARMPIT + part * (last - ARMPIT))
        for side in SIDES
        for part in FLANK
    }
    return {**body.places, **sides, HEM: (column, body.shoulder + last * body.width)}


def moved(garment: Anchors, columns: int) -> Anchors:
    """Move all points to the right."""
    sleeves = {
        side: replace(each, outer=_right(each.outer, columns), inner=_right(each.inner, columns))
        for side, each in garment.sleeves.items()
    }
    places = {name: _right(place, columns) for name, place in garment.places.items()}
    middle = garment.middle + columns
    return replace(garment, places=places, middle=middle, sleeves=sleeves)


def _right(place: Place, columns: int) -> Place:
    return place[0] + columns, place[1]


def _both(left: Slope | None, right: Slope | None, middle: float, name: str) -> tuple[Slope, Slope]:
    """Take one shoulder for both where hair or the picture's border hides the other."""
    if left is None and right is None:
        raise InvalidInput(
            f"The shoulders in {name} cannot be made out. Choose a photo with both of them free."
        )
    first, second = left or right, right or left
    assert first is not None
    assert second is not None
    return (
        first if left is not None else _mirrored(first, middle),
        second if right is not None else _mirrored(second, middle),
    )


def _mirrored(line: Slope, middle: float) -> Slope:
    return Slope(line.points * (-1, 1) + (2 * middle, 0), line.ends)


def _half(line: Slope, middle: float, unit: float) -> float:
    seen = abs(float(line.points[-1, 0]) - middle)
    return seen if line.ends else max(seen, _SHOULDERS / 2 * unit)


def _on_slope(name: str, line: Slope, middle: float, half: float) -> Iterator[tuple[str, Place]]:
    """Yield a shoulder's points at fixed shares of its width, as far as it is seen."""
    across = np.abs(line.points[:, 0] - middle)
    end = float(across[-1]) if line.ends else half
    for share in ON_SLOPE:
        at = across[0] + share * (end - across[0])
        if at <= across[-1] + 1e-3:
            row = float(np.interp(at, across, line.points[:, 1]))
            yield f"{name} slope {share}", (middle + SIDES[name] * float(at), row)


def _shoulder_row(left: Slope, right: Slope, unit: float) -> float:
    ends = [line.points[-1, 1] for line in (left, right) if line.ends]
    if ends:
        return float(np.mean(ends))
    return float((left.points[0, 1] + right.points[0, 1]) / 2 + _FALL * unit)
