"""Which part of a body a garment is worn on, told by its outline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask

_LEGS, _AS_WIDE, _MOST_ROWS = 0.6, 0.6, 0.7
"""From where in its height a garment is looked at for legs, how alike two of them are in width, and
in how many of its rows they are apart."""

_WAIST, _CENTRAL, _LEVEL = 0.03, 0.8, 0.035
"""Where a skirt's waist is, what of it counts, and how even its upper edge is; in its height."""

_WIDE, _WIDENS, _NARROWS = 0.4, 1.03, 0.95
"""How wide a waist is at least, how much wider hips are, and how much narrower a hem may be."""

_HIPS = 0.3
"""Where a skirt's hips are, in its height."""

_TRUNK, _LONG = (0.25, 0.5), 2.8
"""Where in its height a garment's trunk is narrowest, and from which length on it is a dress."""


def worn_below(mask: Mask) -> bool:
    """Tell whether a garment is for the lower body: trousers, shorts or a skirt, waist up."""
    solid = mask > 0.5
    rows = np.flatnonzero(solid.any(axis=1))
    if not len(rows):
        return False
    whole = solid[rows[0] : rows[-1] + 1]
    return has_legs(whole) or _is_skirt(whole)


def is_dress(mask: Mask) -> bool:
    """Tell a garment from the shoulders on that is much longer than its trunk is wide."""
    solid = mask > 0.5
    rows = np.flatnonzero(solid.any(axis=1))
    if not len(rows):
        return False
    first, last = (rows[0] + round(share * len(rows)) for share in _TRUNK)
    spans = [int(np.ptp(np.flatnonzero(row))) for row in solid[first:last] if row.any()]
    return len(spans) > 0 and len(rows) > _LONG * max(min(spans), 1)


def has_legs(solid: NDArray[np.bool_]) -> bool:
    """Tell whether the lower part is two pieces apart, of which the wider is no sleeve."""
    rows = np.flatnonzero(solid.any(axis=1))
    top, height = int(rows[0]), len(rows)
    apart = 0
    lower = solid[top + round(_LEGS * height) : top + height]
    for row in lower:
        columns = np.flatnonzero(row)
        if len(columns) == 0:
            continue
        gaps = np.diff(columns)
        widths = np.diff([0, *(np.flatnonzero(gaps > 1) + 1).tolist(), len(columns)])
        most, second = sorted((*widths.tolist(), 0), reverse=True)[:2]
        apart += second > _AS_WIDE * most
    return len(lower) > 0 and apart > _MOST_ROWS * len(lower)


def _is_skirt(solid: NDArray[np.bool_]) -> bool:
    """Tell an even waist that widens to the hips, and no collar, straps or sleeves."""
    height = len(solid)
    waist = np.flatnonzero(solid[round(_WAIST * height)])
    if len(waist) < 4 or (np.diff(waist) > 1).any():
        return False
    middle, half = waist.mean(), _CENTRAL * len(waist) / 2
    edge = solid[:, round(middle - half) : round(middle + half)].argmax(axis=0)
    spans = np.array([np.ptp(np.flatnonzero(row)) if row.any() else 0 for row in solid])
    hips, most = spans[round(_HIPS * height)], np.maximum.accumulate(spans)
    body = slice(round(_WAIST * height), round(0.85 * height))
    return bool(
        np.ptp(edge) < _LEVEL * height + 2
        and len(waist) > _WIDE * spans.max()
        and hips > _WIDENS * len(waist)
        and (spans[body] > _NARROWS * most[body]).all()
    )
