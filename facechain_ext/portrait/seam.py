"""How much of an edge the border of an exchanged face makes, against what was there before."""

from __future__ import annotations

import cv2
import numpy as np

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.masks import dilate, erode
from facechain_ext.portrait.light import to_lab

_LEAST = 0.5
"""Steps of L a pixel below which everything is smooth."""


def seam(pixels: Pixels, alpha: Mask, *, width: int) -> float:
    """Return the gradient along the border of a mask over that beside it, on both sides of it.

    width: of the border, in pixels; as wide are its surroundings.
    """
    solid = (alpha > 0.5).astype(np.float32)
    border = dilate(solid, width) - erode(solid, width)
    beside = dilate(solid, 3 * width) - erode(solid, 3 * width) - border
    steps = _gradient(pixels)
    return _mean(steps, border) / max(_mean(steps, beside), _LEAST)


def added_seam(before: Pixels, after: Pixels, alpha: Mask, *, width: int) -> float:
    """Return the seam over that of the same border before the exchange; 1: no more of an edge."""
    natural = seam(before, alpha, width=width)
    return seam(after, alpha, width=width) / max(natural, 1e-3)


def _gradient(pixels: Pixels) -> Mask:
    lightness = np.ascontiguousarray(to_lab(pixels)[..., 0])
    right = cv2.Sobel(lightness, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(lightness, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(np.hypot(right, down), np.float32)


def _mean(values: Mask, region: Mask) -> float:
    return float((values * region).sum() / max(float(region.sum()), 1.0))
