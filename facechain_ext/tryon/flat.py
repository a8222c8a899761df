"""A garment that lies or hangs before an even ground, told from it by colour."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.files import resize
from facechain_ext.imaging.masks import guided_filter
from facechain_ext.portrait.light import Lab, to_lab

_SIDE = 384
_BORDER = 0.04
"""Width of the border by which the ground is known, in the picture's sides."""

_NOISE, _LEAST = 4.0, 2.5
"""From which distance in Lab on a pixel is not ground: in its spread, and at least."""

_SPECK = 0.02
"""Share of the picture below which a piece is none of a garment."""

_ROUNDS = 3
_EDGE_NOISE = 1e-4


def cut_out(pixels: Pixels) -> Mask:
    """Select what lies on the ground; empty where nothing stands out from it."""
    scale = _SIDE / max(pixels.shape[:2])
    size = (max(8, round(pixels.shape[1] * scale)), max(8, round(pixels.shape[0] * scale)))
    small = resize(pixels, size)
    seen = _pieces(_away(to_lab(small)))
    if not seen.any():
        return np.zeros(pixels.shape[:2], np.float32)
    exact = _filled(_pieces(_grown(small, seen)))
    large = cv2.resize(
        exact.astype(np.float32), pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR
    )
    radius = max(2, round(2 / scale))
    return guided_filter(np.asarray(large, np.float32), pixels, radius=radius, eps=_EDGE_NOISE)


def ground_of(pixels: Pixels) -> Lab:
    """Return the ground's colour at every pixel, also under the garment."""
    scale = _SIDE / max(pixels.shape[:2])
    size = (max(8, round(pixels.shape[1] * scale)), max(8, round(pixels.shape[0] * scale)))
    ground, _ = _ground(to_lab(resize(pixels, size)))
    return np.asarray(cv2.resize(ground, pixels.shape[1::-1]), np.float32)


def _away(lab: Lab) -> NDArray[np.bool_]:
    """Tell what differs from the ground, whose light may change slowly over the picture.

    Measured in its own spread, so that what is dark stands out from a dark ground.
    """
    ground, spread = _ground(lab)
    distance = np.linalg.norm(lab - ground, axis=2)
    return np.asarray(distance > max(_NOISE * spread, _LEAST), bool)


def _ground(lab: Lab) -> tuple[Lab, float]:
    """Fit the ground's colour as a parabola to the border, leaving out what differs there."""
    height, width = lab.shape[:2]
    y, x = np.mgrid[:height, :width] / max(height, width) - 0.5
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)
    margin = max(2, round(_BORDER * max(height, width)))
    border = np.ones((height, width), bool)
    border[margin:-margin, margin:-margin] = False
    used = border & (np.linalg.norm(lab - np.median(lab[border], axis=0), axis=2) < 25)
    off = np.zeros(0)
    for _ in range(_ROUNDS):
        fit = np.linalg.lstsq(terms[used], lab[used], rcond=None)[0]
        off = np.linalg.norm(lab - terms @ fit, axis=2)
        used = border & (off <= max(3 * np.median(off[used]), 1.0))
    return (terms @ fit).astype(np.float32), float(np.median(off[used])) if used.any() else 0.0


def _pieces(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep what is no speck, closing pores."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    large = [n for n, row in enumerate(stats) if n and row[4] >= _SPECK * mask.size]
    return np.isin(labels, large)


def _grown(pixels: Pixels, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Let colours and edges decide near the outline (Rother et al. 2004)."""
    kernel = np.ones((7, 7), np.uint8)
    sure = cv2.erode(seen.astype(np.uint8), kernel)
    possible = cv2.dilate(seen.astype(np.uint8), kernel)
    trimap = np.full(seen.shape, cv2.GC_BGD, np.uint8)
    trimap[possible > 0] = cv2.GC_PR_FGD
    trimap[sure > 0] = cv2.GC_FGD
    if not (trimap == cv2.GC_BGD).any() or not (trimap == cv2.GC_FGD).any():
        return seen
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(pixels, trimap, None, *models, 2, cv2.GC_INIT_WITH_MASK)
    return np.isin(trimap, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Close holes: a print of the ground's colour is the garment's."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    canvas = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(canvas, outlines, -1, 1, cv2.FILLED)
    return np.asarray(canvas > 0, bool)
