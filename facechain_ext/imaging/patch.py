"""A part of a picture that is painted by itself, and put back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.blend import composite
from facechain_ext.imaging.files import resize
from facechain_ext.imaging.masks import dilate

SIDE_UNIT = 64
"""Pixels that the coarsest layer of a UNet sees as one: sides are multiples of it."""

LATENT = 8
"""Pixels that one latent stands for."""

_SURROUNDINGS = 0.4
"""How much is seen around the mask on every side, in its longer side: a head for a face."""

_MOST_SIDES = 2.0
"""Longest side of a drawn part, in sides of what the checkpoint draws best."""


@dataclass(frozen=True, eq=False)
class Patch:
    """The part of a picture around a mask, in the size it is drawn at.

    pixels: (h, w, 3) drawn size, multiples of SIDE_UNIT. cells: (h / 8, w / 8), 1 for the latents
    that are painted, 0 for those that are kept. alpha: (H', W') of the part at its own size, how
    much of what is painted shows. left, top: its place in the picture.
    """

    pixels: Pixels
    cells: Mask
    alpha: Mask
    left: int
    top: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height that it is drawn at."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def put_back(self, painted: Pixels, picture: Pixels) -> Pixels:
        """Return a copy of the picture with the painted part in it."""
        height, width = self.alpha.shape
        rows, columns = slice(self.top, self.top + height), slice(self.left, self.left + width)
        whole: Pixels = picture.copy()
        over = resize(painted, (width, height))
        whole[rows, columns] = composite(over, picture[rows, columns], self.alpha)
        return whole


def patch_around(
    picture: Pixels,
    mask: Mask,
    *,
    blend: int,
    side: int,
    size: tuple[int, int] = (0, 0),
) -> Patch:
    """Cut the part around a mask out, in the size that a checkpoint draws best.

    side: what it draws best. size: width and height to draw at instead, 0 for that.
    """
    left, top, right, bottom = _box(mask, blend)
    part, shown = picture[top:bottom, left:right], mask[top:bottom, left:right]
    own = _drawn(part.shape, side)
    width, height = size[0] or own[0], size[1] or own[1]
    alpha = _faded(shown, blend)
    return Patch(resize(part, (width, height)), _cells(alpha, (width, height)), alpha, left, top)


def _box(mask: Mask, blend: int) -> tuple[int, int, int, int]:
    """Return the square around a mask with its surroundings, as far as the picture reaches."""
    rows, columns = (np.flatnonzero((mask > 0.5).any(axis=axis)) for axis in (1, 0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    longer = max(bottom - top, right - left)
    half = math.ceil(longer * (0.5 + _SURROUNDINGS)) + blend
    y, x = (top + bottom) // 2, (left + right) // 2
    y0, y1 = _within(int(y), half, mask.shape[0])
    x0, x1 = _within(int(x), half, mask.shape[1])
    return x0, y0, x1, y1


def _within(middle: int, half: int, length: int) -> tuple[int, int]:
    """Return start and end of a span, moved inside where it reaches over an edge."""
    if 2 * half >= length:
        return 0, length
    start = min(max(middle - half, 0), length - 2 * half)
    return start, start + 2 * half


def _drawn(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """Return the width and height nearest to a part's proportions with about side x side pixels."""
    ratio = math.sqrt(shape[1] / shape[0])
    most = max(SIDE_UNIT, int(_MOST_SIDES * side))
    width, height = (
        min(max(SIDE_UNIT, round(length / SIDE_UNIT) * SIDE_UNIT), most)
        for length in (side * ratio, side / ratio)
    )
    return width, height


def _faded(mask: Mask, blend: int) -> Mask:
    """Fade a mask out over `blend` pixels around it; exactly 0 beyond."""
    solid = (mask > 0.5).astype(np.float32)
    if blend == 0:
        return solid
    radius = (blend + 1) // 2
    soft: Mask = cv2.blur(
        dilate(solid, radius), (2 * radius + 1,) * 2, borderType=cv2.BORDER_REPLICATE
    )
    faded: Mask = np.where(dilate(solid, blend) > 0, np.maximum(soft, solid), np.float32(0))
    return faded


def _cells(alpha: Mask, size: tuple[int, int]) -> Mask:
    """Select every latent that shows in the end, however little."""
    shown = cv2.resize((alpha > 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    height, width = size[1] // LATENT, size[0] // LATENT
    most = np.asarray(shown).reshape(height, LATENT, width, LATENT).max(axis=(1, 3))
    cells: Mask = (most > 0).astype(np.float32)
    return cells
