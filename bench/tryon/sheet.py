"""Pictures laid out beside and below each other."""

from __future__ import annotations

import numpy as np

from facechain_ext.base.records import Pixels


def sheet(tiles: list[Pixels], across: int) -> Pixels:
    """Lay tiles of one size out, so many to a line; what is left of the last line is white."""
    tiles = tiles + [np.full_like(tiles[0], 255)] * (-len(tiles) % across)
    lines = [np.concatenate(tiles[n : n + across], 1) for n in range(0, len(tiles), across)]
    return np.concatenate(lines)
