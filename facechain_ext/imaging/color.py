"""Telling whether a picture has colour."""

from __future__ import annotations

import cv2
import numpy as np

from facechain_ext.base.records import Pixels

_MONOCHROME_SPREAD = 4.0
"""Distance in Lab; of 1,625 colour portraits one lies below it."""


def is_monochrome(pixels: Pixels) -> bool:
    """Tell whether a picture is black and white, or of a single tint such as sepia.

    It is when its hue and chroma follow from its lightness, by a parabola, in 90 % of the pixels.
    """
    step = max(1, min(pixels.shape[:2]) // 96)
    sample = np.ascontiguousarray(pixels[::step, ::step]).astype(np.float32) / np.float32(255)
    lab = cv2.cvtColor(sample, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    terms = np.vander(lab[:, 0] / 100, 3)
    tint = np.linalg.lstsq(terms, lab[:, 1:], rcond=None)[0]
    off = np.linalg.norm(lab[:, 1:] - terms @ tint, axis=1)
    return float(np.percentile(off, 90)) < _MONOCHROME_SPREAD
