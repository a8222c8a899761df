"""A trunk or a garment row by row: how far out it reaches, and where an arm hangs apart from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask

Place = tuple[float, float]

SIDES = {"left": -1, "right": 1}

ROWS = (0.12, 0.25, 0.4, 0.6, 0.8, 1.0, 1.25)
"""How far below the shoulders a trunk is measured, in shoulder widths."""

ARMPIT = 0.4
"""From which row on an arm can be told from the trunk."""

_ARM = 0.2
"""Width of an arm, in shoulder widths."""

_LEAST_TRUNK, _MOST_TRUNK = 0.27, 0.5
"""Half a trunk without arms; what seems to lie beyond is held before it, or is an arm."""


def below(
    trunk: Mask, middle: float, shoulder: float, width: float, *, lean: float = 0.0
) -> tuple[dict[str, Place], frozenset[str]]:
    """Measure a trunk row by row; below the picture it goes on as it was last seen.

    lean: columns that its middle moves each row.
    """
    places: dict[str, Place] = {}
    apart: set[str] = set()
    for name, side in SIDES.items():
        most = (_LEAST_TRUNK * width, _MOST_TRUNK * width)
        outer, inner = width / 2, width / 2 - _ARM * width
        for share in ROWS:
            row = shoulder + share * width
            at = middle + lean * share * width
            if row < len(trunk) - 1:
                gap, outer = edges(trunk[round(row)] > 0.5, at, side, width)
                inner = float(np.clip(outer - _ARM * width if gap is None else gap, *most))
                if gap is not None and share >= ARMPIT:
                    apart.add(f"{name} outer {share}")
            places[f"middle {share}"] = (at, row)
            places[f"{name} outer {share}"] = (at + side * outer, row)
            if share >= ARMPIT:
                places[f"{name} trunk {share}"] = (at + side * inner, row)
    return places, frozenset(apart)


def edges(
    row: NDArray[np.bool_], middle: float, side: int, width: float
) -> tuple[float | None, float]:
    """Return how far out the trunk ends where an arm is apart from it, and where all ends."""
    start = int(np.clip(round(middle), 0, len(row) - 1))
    outwards = (row[start:] if side > 0 else row[start::-1])[: max(2, round(1.2 * width))]
    inside = np.flatnonzero(outwards)
    if not len(inside):
        return None, 0.0
    last = float(inside[-1])
    first = inside[inside > 0.15 * width]
    gaps = np.flatnonzero(np.diff(first) > 2) if len(first) else np.zeros(0, int)
    return (float(first[gaps[0]]) if len(gaps) else None), last
