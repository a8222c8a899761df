"""How sharp a picture is."""

from __future__ import annotations

import cv2
import numpy as np

from facechain_ext.base.records import Pixels


def sharpness(pixels: Pixels) -> float:
    """Return the spread of the Laplacian over the contrast: about 0.05 blurred, 0.3 crisp.

    Depends on scale: compare pictures that were brought to the same size.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std() / (np.std(grey) + 8.0))
