"""What stands behind the person in a training picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.config.prepare import Background
from facechain_ext.imaging.blend import composite

PLAIN = (168, 168, 168)
"""The flat colour, also beyond the photo's border: the median grey of studio portraits."""

_BLUR = 1 / 32
"""Sigma of the blurred background, in picture sides."""


def treat(pixels: Pixels, *, person: Mask, valid: Mask, background: Background) -> Pixels:
    """Return the picture with its background as asked; flat where the photo does not reach.

    person, valid: (H, W), 1 where the person, the photo is.
    """
    plain = np.full_like(pixels, PLAIN)
    if background == "plain":
        return composite(foreground(pixels, person), plain, person * valid)
    if background == "blur":
        pixels = composite(pixels, _blurred(pixels, (1 - person) * valid), person)
    return composite(pixels, plain, valid)


def foreground(pixels: Pixels, person: Mask) -> Pixels:
    """Estimate the person's own colours where hair and background mix.

    Blur fusion (Forte 2021, "Approximate Fast Foreground Colour Estimation") in one pass, with
    weights that favour sure pixels: without it the old background shines through the border.
    """
    image, alpha = pixels.astype(np.float32), person[..., None]
    radius = max(3, pixels.shape[0] // 24)
    front, behind = _mean(image, person**4, radius), _mean(image, (1 - person) ** 4, radius)
    estimate = front + alpha * (image - alpha * front - (1 - alpha) * behind)
    solid = person[..., None] > 0.99
    return np.where(solid, pixels, _rounded(estimate))


def _mean(image: NDArray[np.float32], weight: Mask, radius: int) -> NDArray[np.float32]:
    size = (2 * radius + 1, 2 * radius + 1)
    total = cv2.blur(weight, size)[..., None] + 1e-5
    return np.asarray(cv2.blur(image * weight[..., None], size) / total, np.float32)


def _blurred(pixels: Pixels, weight: Mask) -> Pixels:
    """Blur what `weight` selects without letting the rest bleed in."""
    sigma = pixels.shape[0] * _BLUR
    total = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
    summed = cv2.GaussianBlur(pixels.astype(np.float32) * weight[..., None], (0, 0), sigma)
    known = np.clip(total / 0.05, 0, 1)
    plain = np.array(PLAIN, np.float32)
    mixed = summed / np.maximum(total, 1e-4) * known + plain * (1 - known)
    return _rounded(mixed)


def _rounded(values: NDArray[np.float32]) -> Pixels:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
