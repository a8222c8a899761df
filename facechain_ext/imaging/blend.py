"""Laying one picture over another."""

from __future__ import annotations

import itertools
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.records import Mask, Pixels

Layers = NDArray[Any]
"""A picture of any number of channels, (H, W, C)."""


def composite(over: Pixels, under: Pixels, mask: Mask) -> Pixels:
    """Show `over` where the mask is 1 and `under` where it is 0. Equal shapes."""
    weight = mask[..., None]
    mixed = over.astype(np.float32) * weight + under.astype(np.float32) * (1 - weight)
    return np.rint(mixed).astype(np.uint8)


def multiband(over: Pixels, under: Pixels, mask: Mask, *, levels: int = 5) -> Pixels:
    """Composite with a transition as wide as the detail that crosses it (Burt and Adelson 1983).

    Equal shapes. Leave some border of `under` around the mask.
    """
    levels = min(levels, int(np.log2(max(2, min(mask.shape) // 4))))
    weights = _gaussians(mask[..., None], levels)
    bands = zip(_bands(over, levels), _bands(under, levels), weights, strict=True)
    mixed = [a * w + b * (1 - w) for a, b, w in bands]
    picture = mixed.pop()
    for band in reversed(mixed):
        picture = cv2.pyrUp(picture, dstsize=band.shape[1::-1]) + band
    blended: Pixels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return blended


def _gaussians(picture: Layers, levels: int) -> list[Layers]:
    """Return the picture and its halvings, (H, W, C) each."""
    pyramid = [picture.astype(np.float32)]
    for _ in range(levels):
        smaller = cv2.pyrDown(pyramid[-1])
        pyramid.append(smaller.reshape(*smaller.shape[:2], -1))
    return pyramid


def _bands(pixels: Pixels, levels: int) -> list[Layers]:
    """Return what each halving loses, and the last of them."""
    pyramid = _gaussians(pixels, levels)
    pairs = itertools.pairwise(pyramid)
    lost = [fine - cv2.pyrUp(coarse, dstsize=fine.shape[1::-1]) for fine, coarse in pairs]
    return [*lost, pyramid[-1]]
