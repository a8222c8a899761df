"""What of a portrait belongs to the upper and what to the lower lip, and the hole between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask
from facechain_ext.imaging.masks import feather, polygon
from facechain_ext.portrait.regions import smoothstep
from facechain_ext.talking.face_frame import FaceFrame
from facechain_ext.talking.grids import Grid
from facechain_ext.talking.mouth_rig import LOWER_INNER, UPPER_INNER

_INNER_CORNERS = (78, 308)
_SOFT = 0.012
"""Half the width of a lip's edge, in half mouths, and one pixel at least."""

_INTO_LIP = 0.05
"""How far into a lip it is cut, in parts of the gap: the edge that is found has teeth on it."""


@dataclass(frozen=True, eq=False)
class LipMasks:
    """Over the pixels of a grid's box; upper and lower overlap where the lips touch."""

    upper: Mask
    lower: Mask
    hole: Mask


def mask_lips(frame: FaceFrame, grid: Grid) -> LipMasks:
    """Cut a portrait along the edges of its lips, which go on straight beyond the corners."""
    across, down = np.moveaxis(frame.local(grid.pixels), -1, 0)
    soft = max(1.0, _SOFT * frame.half_mouth) / frame.jaw
    above, below = (_edge(frame, inner, across) for inner in (UPPER_INNER, LOWER_INNER))
    above, below = above - _INTO_LIP * (below - above), below + _INTO_LIP * (below - above)
    upper = smoothstep(down - above, soft, -soft)
    # Reaches under the upper lip by the whole soft edge, so that closed lips leave no seam.
    lower = smoothstep(down - np.minimum(below, above + soft), -3 * soft, -soft)
    gap = np.maximum(below, above + soft)
    lower = np.where(below - above > 2 * soft, smoothstep(down - gap, -soft, soft), lower)
    return LipMasks(upper, np.asarray(lower, np.float32), _hole(frame, grid))


def _edge(
    frame: FaceFrame, inner: tuple[int, ...], across: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far down the edge of a lip lies at every place across."""
    left, right = _INNER_CORNERS
    line = frame.local(frame.mesh[[left, *inner, right]])
    order = np.argsort(line[:, 0])
    return np.asarray(np.interp(across, line[order, 0], line[order, 1]))


def _hole(frame: FaceFrame, grid: Grid) -> Mask:
    left, right = _INNER_CORNERS
    outline = frame.mesh[[left, *UPPER_INNER, right, *reversed(LOWER_INNER)]]
    shape = (grid.size[1], grid.size[0])
    moved = (outline - np.array(grid.box[:2])).astype(np.float32)
    return feather(polygon(moved, shape), max(0.7, 0.02 * frame.half_mouth))
