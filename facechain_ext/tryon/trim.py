"""The exact outline of a garment on a ground: shadows and what shows between two legs come off."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.masks import dilate, erode, largest_piece, smooth
from facechain_ext.portrait.light import to_lab
from facechain_ext.tryon.flat import ground_of

_BAND = 0.014
"""How far inside an outline its shadow may reach, in the picture's longer side."""

_LIKE_GROUND, _SURELY = 0.45, 0.2
"""Share of a garment's own distance from the ground below which something is ground: near the
outline, and inside."""

_BETWEEN, _WAIST = 0.04, 0.2
"""How far from the middle legs part, in a garment's width, and from where on in its height."""

_CORNER = (5e-4, 0.03)
"""What of a garment's area such a corner takes, at least and at most."""

_HOLE = 1e-3
"""Share of a garment from which on what shows between two legs is cut out."""


def trimmed(mask: Mask, pixels: Pixels) -> Mask:
    """Return a mask without the shadow along its outline and the ground between two legs."""
    band = max(2, round(_BAND * max(mask.shape)))
    inside = erode((mask > 0.5).astype(np.float32), band)
    away, usual = _away(inside, pixels, band)
    ground = (away < _LIKE_GROUND * usual) & (inside < 0.5)
    between = _between(away < _SURELY * usual, mask)
    solid = (mask > 0.5) & ~ground & ~between
    opened = cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    large = largest_piece(opened > 0).astype(np.uint8)
    if not large.any():
        return mask
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5 * band, 5 * band))
    columns = np.flatnonzero(large.any(axis=0))
    away_from = np.abs(np.arange(large.shape[1]) - columns.mean()) > 0.1 * len(columns)
    closed = cv2.morphologyEx(large, cv2.MORPH_CLOSE, kernel) > 0
    closed &= (mask > 0.5) & ~between & (away_from[None] | ~ground)
    return smooth(closed.astype(np.float32), band / 3)


def parted(mask: Mask, pixels: Pixels) -> Mask:
    """Return a mask without the ground in the corner between a sleeve and the trunk."""
    band = max(2, round(_BAND * max(mask.shape)))
    away, usual = _away(erode((mask > 0.5).astype(np.float32), band), pixels, band)
    ground = ((away < _SURELY * usual) & (mask > 0.02)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ground)
    outside = cv2.dilate((mask <= 0.02).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    reached = np.unique(labels[outside & (ground > 0)])
    least, most = (share * float((mask > 0.5).sum()) for share in _CORNER)
    corners = [n for n in reached if n and least < stats[n][4] < most]
    cut = np.isin(labels, corners).astype(np.float32)
    return np.asarray(mask * (1 - smooth(dilate(cut, max(1, band // 4)), band / 6)), np.float32)


def _away(inside: Mask, pixels: Pixels, band: int) -> tuple[Mask, Mask]:
    """Return how far all is from the ground in colour, and how far the garment near it is."""
    away = np.linalg.norm(to_lab(pixels) - ground_of(pixels), axis=2).astype(np.float32)
    weight = cv2.GaussianBlur(inside, (0, 0), 2.0 * band) + np.float32(1e-4)
    usual = cv2.GaussianBlur(away * inside, (0, 0), 2.0 * band) / weight
    return away, np.asarray(usual, np.float32)


def _between(ground: NDArray[np.bool_], mask: Mask) -> NDArray[np.bool_]:
    """Select tall holes in the middle, below the waist: there legs touch below their fork."""
    solid = mask > 0.5
    rows, columns = np.nonzero(solid)
    middle, reach = columns.mean(), _BETWEEN * float(np.ptp(columns))
    holes = ground & solid
    holes[: round(rows.min() + _WAIST * np.ptp(rows))] = False
    _, labels, stats, centres = cv2.connectedComponentsWithStats(holes.astype(np.uint8))
    kept = []
    for n, ((left, _, wide, high, area), (x, _)) in enumerate(zip(stats, centres, strict=True)):
        there = left - reach < middle < left + wide + reach and abs(x - middle) < 3 * reach
        if n and there and area > _HOLE * solid.sum() and high > 1.5 * wide:
            kept.append(n)
    found = np.isin(labels, kept).astype(np.uint8)
    return np.asarray(cv2.dilate(found, np.ones((3, 3), np.uint8)) > 0, bool)
