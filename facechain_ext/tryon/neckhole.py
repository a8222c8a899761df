"""The hole for the neck in a garment that lies flat and shows the inside of its back there."""

from __future__ import annotations

import numpy as np

from facechain_ext.base.records import Mask
from facechain_ext.imaging.masks import ellipse
from facechain_ext.tryon.anchors import ON_SLOPE, Anchors
from facechain_ext.tryon.outline import upper_edge
from facechain_ext.tryon.rows import SIDES

_DEPTH = 0.18
"""How far a round collar hangs down before the neck, in shoulder widths."""

_DIPPED = 0.06
"""How far an outline that follows the front of the collar dips, in shoulder widths."""


def opened(mask: Mask, anchors: Anchors) -> Mask:
    """Cut the inside of the back out between a collar's ends, unless the outline dips there."""
    ends = [anchors.places[f"{name} slope {ON_SLOPE[0]}"] for name in SIDES]
    row = float(np.mean([y for _, y in ends]))
    if upper_edge(mask, anchors.middle, 1)[0] > row + _DIPPED * anchors.width:
        return mask
    half = abs(ends[1][0] - ends[0][0]) / 2
    hole = ellipse((anchors.middle, row), (max(half, 1.0), _DEPTH * anchors.width), mask.shape)
    hole[: max(0, round(row))] = 0
    above = np.zeros_like(mask)
    left, right = (round(x) for x in sorted(x for x, _ in ends))
    above[: max(0, round(row)), left:right] = 1
    return np.asarray(mask * (1 - np.maximum(hole, above)), np.float32)
