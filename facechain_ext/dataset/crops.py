"""Random crops of a training picture: framing, position and tilt as training portraits vary."""

from __future__ import annotations

import math

import torch

from facechain_ext.base.records import Face
from facechain_ext.dataset.framing import beside
from facechain_ext.imaging.geometry import Matrix, crop_matrix

SHARES = (0.47, 0.58)
"""Range of the face's longer side over the crop's side; see `framing` for where it comes from."""

TIGHTER = (1.07, 1.18)
"""Least values of that range in shares of the instance picture, for those framed tightly."""

CENTERS_X, CENTERS_Y = (0.46, 0.54), (0.42, 0.50)
"""Ranges of the middle of the face in the crop, in sides: 5 to 95 % of colour portraits."""

MOST_TILT = 4.0
"""Degrees to either side."""


def random_crop(face: Face, *, source: int, size: int, generator: torch.Generator) -> Matrix:
    """Map a picture (source, source) onto a crop (size, size) of it around its face.

    The crop stays inside the picture; where that is too narrow for it, it is made smaller.
    """
    length = max(face.width, face.height)
    shares = [
        max(share, times * length / source) for share, times in zip(SHARES, TIGHTER, strict=True)
    ]
    draws = torch.rand(4, generator=generator).tolist()
    share, x, y, tilt = (
        low + draw * (high - low)
        for draw, (low, high) in zip(
            draws, (shares, CENTERS_X, CENTERS_Y, (-MOST_TILT, MOST_TILT)), strict=True
        )
    )
    spread = abs(math.cos(math.radians(tilt))) + abs(math.sin(math.radians(tilt)))
    side = min(length / share, source / spread)
    middle = beside(face.center, tilt, side * (0.5 - x), side * (0.5 - y))
    reach = side * spread / 2 - 0.5
    inside = tuple(min(max(value, reach), source - 1 - reach) for value in middle)
    return crop_matrix((inside[0], inside[1]), side, size=size, angle=tilt)
