"""Colour: moving one picture's towards another's, and telling whether there is any."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.records import Mask, Pixels

_MONOCHROME_SPREAD = 4.0


def match_color(source: Pixels, target: Pixels, mask: Mask) -> Pixels:
    """Give source the colours of target: mean and spread in Lab (Reinhard et al. 2001).

    mask: the pixels of both that are compared; all of source is moved. Equal shapes.
    """
    weight = mask[..., None].astype(np.float64)
    if weight.sum() < 1:
        return source
    lab = _to_lab(source)
    mean, spread = _moments(lab, weight)
    wanted_mean, wanted_spread = _moments(_to_lab(target), weight)
    gain = np.clip(wanted_spread / np.maximum(spread, 1e-3), 0.5, 2.0)
    return _from_lab(((lab - mean) * gain + wanted_mean).astype(np.float32))


def is_monochrome(pixels: Pixels) -> bool:
    """Tell whether a picture is black and white, or of a single tint such as sepia.

    It is when its hue and chroma follow from its lightness, by a parabola, in 90 % of the pixels.
    """
    step = max(1, min(pixels.shape[:2]) // 96)
    lab = _to_lab(np.ascontiguousarray(pixels[::step, ::step])).reshape(-1, 3)
    terms = np.vander(lab[:, 0] / 100, 3)
    tint = np.linalg.lstsq(terms, lab[:, 1:], rcond=None)[0]
    off = np.linalg.norm(lab[:, 1:] - terms @ tint, axis=1)
    return float(np.percentile(off, 90)) < _MONOCHROME_SPREAD


def _moments(
    lab: NDArray[np.float32], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    total = weight.sum()
    mean = (lab * weight).sum(axis=(0, 1)) / total
    variance = ((lab - mean) ** 2 * weight).sum(axis=(0, 1)) / total
    return mean, np.sqrt(variance)


def _to_lab(pixels: Pixels) -> NDArray[np.float32]:
    lab: NDArray[np.float32] = cv2.cvtColor(
        pixels.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB
    )
    return lab


def _from_lab(lab: NDArray[np.float32]) -> Pixels:
    rgb: NDArray[np.float32] = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    return np.clip(np.rint(rgb * 255), 0, 255).astype(np.uint8)
