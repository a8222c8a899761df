"""Gentle retouching."""

from __future__ import annotations

import cv2
import numpy as np

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.blend import composite


def soften_skin(pixels: Pixels, mask: Mask, strength: float) -> Pixels:
    """Smooth small blemishes inside the mask and keep edges; strength 0 (nothing) to 1."""
    if strength <= 0:
        return pixels
    side = max(pixels.shape[:2])
    smooth = cv2.bilateralFilter(pixels, -1, sigmaColor=24, sigmaSpace=max(2.0, side / 150))
    return composite(smooth, pixels, mask * np.float32(min(strength, 1.0) * 0.8))
