"""Edges of a picture as ControlNets for them expect them, by OpenCV: white on black."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Pixels

LOW, HIGH = 100, 200
"""The thresholds that published ControlNets for Canny's edges were trained around."""
SOFT_BLUR = 1.5
WHITE_SHARE = 99.5
"""Percentile of the soft edges that is white."""


def hard_edges(pixels: Pixels) -> NDArray[np.uint8]:
    """Draw Canny's edges (Canny 1986) as one grey, (H, W)."""
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.Canny(gray, LOW, HIGH), np.uint8)


def soft_edges(pixels: Pixels) -> NDArray[np.uint8]:
    """Draw how steeply a blurred picture changes in any of its colours, (H, W)."""
    blurred = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), SOFT_BLUR)
    across, down = cv2.Scharr(blurred, -1, 1, 0), cv2.Scharr(blurred, -1, 0, 1)
    steep = np.hypot(across, down).max(axis=-1)
    white = max(float(np.percentile(steep, WHITE_SHARE)), 1.0)
    return np.asarray(np.clip(steep / white, 0, 1) ** 0.8 * 255, np.uint8)
