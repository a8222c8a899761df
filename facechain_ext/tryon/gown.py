"""A dress that nobody wears: where its waist is, what is above it, and the skirt below."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask
from facechain_ext.imaging.masks import largest_piece
from facechain_ext.tryon.anchors import Anchors
from facechain_ext.tryon.flat_anchors import flat_anchors
from facechain_ext.tryon.flat_strips import flat_strips
from facechain_ext.tryon.part import worn_below
from facechain_ext.tryon.rows import SIDES, edges
from facechain_ext.tryon.strips import Strips

_FIRST, _LAST = 0.2, 0.65
"""Where in its height a dress's waist may be."""

_DOWN, _PRIOR = 1.2, 0.2
"""How far below the upper end a waist usually is, in its own width, and how much that counts."""

_CHEST, _SLEEVED = 0.65, 1.35
"""From where on in its height a bodice is measured, and from which width on, over the waist's,
that is across its sleeves."""

_FURTHER, _BESIDE, _SHRINKS = 0.12, 0.08, 1.2
"""How far below the waist long sleeves reach, in the way from the upper end there; what beside a
skirt is one, in the skirt's width; and how much a skirt may shrink there that shows none."""

_LOW = 1.8
"""How far down a waist is, in its width, that is the end of sleeves beside it."""

_LEAST = 16
"""Rows of the least garment that is measured."""

_SHORTEST = 0.85
"""How far a dress reaches below its waist at least, in the way from its upper end there."""


def waist_row(mask: Mask) -> int:
    """Return the row where a dress is narrowest below the armpits; sleeves that hang are apart."""
    solid, _ = _cropped(mask)
    rows = np.flatnonzero(solid.any(axis=1))
    top, height = int(rows[0]), len(rows)
    middle = float(np.nonzero(solid)[1].mean())
    looked = np.arange(round(top + _FIRST * height), round(top + _LAST * height))
    spans = np.array([_span(solid[row], middle) for row in looked])
    far = np.abs(np.log((looked - top) / (_DOWN * spans)))
    return int(looked[(spans / spans.min() + _PRIOR * far).argmin()])


def has_skirt(mask: Mask) -> bool:
    """Tell whether a garment from the shoulders on goes on far below its waist."""
    rows = np.flatnonzero((mask > 0.5).any(axis=1))
    if len(rows) < _LEAST:
        return False
    waist = waist_row(mask)
    return bool(rows[-1] - waist > _SHORTEST * (waist - rows[0]))


def skirt_of(mask: Mask, name: str) -> Strips:
    """Measure a dress from its waist down; raises InvalidInput for what has no skirt."""
    if worn_below(mask) or not has_skirt(mask):
        raise InvalidInput(
            f"{name} shows no dress, which goes from the shoulders to far below the waist: choose "
            "the part auto."
        )
    waist = waist_row(mask)
    below = mask.copy()
    below[:waist] = 0
    return flat_strips(_middle_piece(below), name)


def bodice_of(mask: Mask, skirt: Strips, name: str) -> Anchors:
    """Measure a dress as a top that ends at its waist."""
    waist = round(skirt.waist)
    above = mask.copy()
    above[waist + 1 :] = 0
    solid, first = _cropped(above)
    rows = np.flatnonzero(solid.any(axis=1))
    left, right = (skirt.outer[0] - first).tolist()
    most = _SLEEVED * (right - left)
    looked = range(round(rows[0] + _CHEST * (waist - rows[0])), waist)
    free = (row for row in looked if 2 * max(_reach(solid[row], (left + right) / 2)) < most)
    return flat_anchors(above, name, next(free, waist))


def long_sleeved(mask: Mask, skirt: Strips) -> bool:
    """Tell whether sleeves go on below the waist, beside the skirt, or hide where it is."""
    solid = mask > 0.5
    length = skirt.waist - int(np.flatnonzero(solid.any(axis=1))[0])
    further = _FURTHER * length
    (ends,), _ = skirt.at(np.array([skirt.waist + further]))
    margin = round(_BESIDE * (ends[1] - ends[0]))
    beside = solid[min(round(skirt.waist + further), len(solid) - 1)].copy()
    beside[max(0, round(ends[0]) - margin) : round(ends[1]) + margin] = False
    spans = (skirt.outer[:, 1] - skirt.outer[:, 0])[: max(1, round(2 * further))]
    hidden = length > _LOW * spans[0] or spans[0] > _SHRINKS * spans.min()
    return bool(beside.sum() > margin or hidden)


def without_sleeves(mask: Mask, skirt: Strips) -> Mask:
    """Take off what hangs beside the skirt: sleeves go on only as far as the waist."""
    waist = round(skirt.waist)
    whole = mask.copy()
    whole[:waist] = 0
    return np.concatenate([mask[:waist], _middle_piece(whole)[waist:]])


def _cropped(mask: Mask) -> tuple[NDArray[np.bool_], int]:
    """Return a mask between its sides, and its first column there."""
    solid = mask > 0.5
    columns = np.flatnonzero(solid.any(axis=0))
    return solid[:, columns[0] : columns[-1] + 1], int(columns[0])


def _span(row: NDArray[np.bool_], middle: float) -> float:
    return max(sum(_reach(row, middle)), 1.0)


def _reach(row: NDArray[np.bool_], middle: float) -> list[float]:
    """Return how far the piece around a column goes to both sides."""
    reach = [edges(row, middle, side, len(row)) for side in SIDES.values()]
    return [outer if gap is None else gap for gap, outer in reach]


def _middle_piece(mask: Mask) -> Mask:
    """Keep the largest piece: sleeves hang beside a skirt."""
    return np.asarray(np.where(largest_piece(mask > 0.5), mask, np.float32(0)), np.float32)
