"""Laying one picture over another."""

from __future__ import annotations

import numpy as np

from facechain_ext.base.records import Mask, Pixels


def composite(over: Pixels, under: Pixels, mask: Mask) -> Pixels:
    """Show `over` where the mask is 1 and `under` where it is 0. Equal shapes."""
    weight = mask[..., None]
    mixed = over.astype(np.float32) * weight + under.astype(np.float32) * (1 - weight)
    return np.rint(mixed).astype(np.uint8)
