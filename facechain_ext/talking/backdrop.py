"""What is behind a head, made up once so that the head can move in front of it."""

from __future__ import annotations

import cv2
import numpy as np

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.masks import dilate


def fill_behind(pixels: Pixels, person: Mask, reach: int) -> Pixels:
    """Fill the person, and `reach` pixels around, from what lies around them.

    Only a narrow rim of it is ever seen. A picture without a background stays as it is.
    """
    free = (dilate(person, reach) < 0.05).astype(np.float32)
    if free.mean() < 0.005:
        return pixels
    filled = _spread(pixels.astype(np.float32) * free[..., None], free)
    drawn = pixels * free[..., None] + filled * (1 - free[..., None])
    return np.clip(np.rint(drawn), 0, 255).astype(np.uint8)


def _spread(colour: Mask, weight: Mask) -> Mask:
    """Fill what weighs nothing from coarser and coarser means (Gortler et al. 1996)."""
    height, width = weight.shape
    if min(height, width) <= 2:
        mean = colour.sum(axis=(0, 1)) / max(float(weight.sum()), 1e-6)
        return np.broadcast_to(mean, colour.shape).astype(np.float32)
    half = (width // 2, height // 2)
    coarse_colour, coarse_weight = (
        cv2.resize(part, half, interpolation=cv2.INTER_AREA) for part in (colour, weight)
    )
    strength = np.minimum(1, 4 * coarse_weight) / np.maximum(coarse_weight, 1e-6)
    coarser = _spread(coarse_colour * strength[..., None], coarse_weight * strength)
    under = cv2.resize(coarser, (width, height), interpolation=cv2.INTER_LINEAR)
    own = colour / np.maximum(weight, 1e-6)[..., None]
    filled: Mask = under + (own - under) * np.minimum(1, weight)[..., None]
    return filled
