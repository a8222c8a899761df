"""What is worn below the waist as two strips side by side: legs, or the halves of a skirt."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask
from facechain_ext.portrait.spline import Map

Line = NDArray[np.float64]

_SOFT = 0.06
"""Over how much of its length a garment changes from one scale to another, at the fork."""

_DARKER = 0.3
"""How much darker a strip is at its edges."""


@dataclass(frozen=True, eq=False)
class Strips:
    """Two strips from a waist to a hem, row by row from `top`; columns in pixels.

    outer, inner: (N, 2), the left strip's and the right one's edges; inner ones meet where there
    is one piece. waist, fork, hem: rows; below the fork legs part, or a skirt hangs free.
    """

    top: int
    outer: Line
    inner: Line
    waist: float
    fork: float
    hem: float

    @property
    def legs(self) -> bool:
        """Whether the strips part: legs do, the halves of a skirt do not."""
        return bool((self.inner[:, 1] - self.inner[:, 0] > 1).any())

    def at(self, rows: Line) -> tuple[Line, Line]:
        """Return outer and inner edges at any rows, (len(rows), 2) each."""
        own = np.arange(len(self.outer)) + self.top
        outer, inner = (
            np.column_stack([np.interp(rows, own, edges[:, side]) for side in (0, 1)])
            for edges in (self.outer, self.inner)
        )
        return outer, inner

    def row(self, others: Line, other: Strips) -> Line:
        """Return the rows that lie where another's do, by waist, fork and hem."""
        theirs = np.array([other.waist, other.fork, other.hem])
        own = np.array([self.waist, self.fork, self.hem])
        first, last = np.diff(own) / np.diff(theirs)
        within = np.interp(others, theirs, own)
        above, below = np.minimum(others - theirs[0], 0), np.maximum(others - theirs[2], 0)
        bent = (within + above * first + below * last)[:, None].repeat(2, axis=1)
        return smoothed(bent, _SOFT * (other.hem - other.waist))[:, 0]


def width(edges: tuple[Line, Line]) -> Line:
    """Return how wide each strip is, (N, 2)."""
    outer, inner = edges
    return np.maximum(np.abs(inner - outer), 1.0)


def smoothed(line: Line, spread: float) -> Line:
    """Fill what is unknown from what is near, and take jitter out; line: (N, 2)."""
    columns = []
    for values in line.T:
        known = np.flatnonzero(np.isfinite(values))
        if not len(known):
            return line
        columns.append(np.interp(np.arange(len(values)), known, values[known]))
    filled = np.ascontiguousarray(np.column_stack(columns))
    if spread <= 0:
        return filled
    border = cv2.BORDER_REPLICATE
    blurred = cv2.GaussianBlur(filled, (1, 0), 0.01, sigmaY=spread, borderType=border)
    return np.asarray(blurred, np.float64).reshape(line.shape)


def rounding(body: Strips, size: tuple[int, int]) -> Mask:
    """Return how light each pixel is: less at the edges, and where legs touch."""
    rows = np.arange(size[1], dtype=np.float64)
    outer, inner = body.at(rows)
    columns = np.arange(size[0], dtype=np.float64)[None]
    half = (columns >= inner.mean(axis=1)[:, None]).astype(np.int64)
    start, end = (np.take_along_axis(edges, half, 1) for edges in (outer, inner))
    across = np.clip((columns - start) / np.where(end == start, 1.0, end - start), 0, 1)
    parted = np.clip((rows - body.fork) / max(0.15 * (body.hem - body.fork), 1.0), 0, 1)[:, None]
    away = np.maximum(1 - across, 0) ** 8 + body.legs * parted * across**8
    return np.asarray(1 - _DARKER * away, np.float32)


def strip_map(garment: Strips, body: Strips, size: tuple[int, int]) -> Map:
    """Return where in the garment's picture each pixel of the body's comes from."""
    rows = np.arange(size[1], dtype=np.float64)
    sources = garment.row(rows, body)
    (outer, inner), (own_outer, own_inner) = body.at(rows), garment.at(sources)
    middle = inner.mean(axis=1)
    columns = np.arange(size[0], dtype=np.float64)[None]
    half = (columns >= middle[:, None]).astype(np.int64)
    start, own_start = (np.take_along_axis(edges, half, 1) for edges in (outer, own_outer))
    end, own_end = (np.take_along_axis(edges, half, 1) for edges in (inner, own_inner))
    span = np.where(np.abs(end - start) < 1, np.where(half == 0, 1.0, -1.0), end - start)
    across = own_start + (columns - start) / span * (own_end - own_start)
    down = np.broadcast_to(sources[:, None], across.shape)
    return np.stack([across, down], axis=-1).astype(np.float32)
