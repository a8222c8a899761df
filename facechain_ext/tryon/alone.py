"""A garment in a picture that shows nobody's face: cut off at the neck, laid flat, or hanging."""

from __future__ import annotations

import cv2
import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask, Photo
from facechain_ext.config.tryon import Part
from facechain_ext.nets import FaceNets
from facechain_ext.nets.parts import Parts
from facechain_ext.tryon.flat import cut_out
from facechain_ext.tryon.part import is_dress, worn_below

_LEAST_FLAT, _MOST_FLAT = 0.03, 0.97
"""Share of a picture that a garment on its own may take."""

_SKIN = 0.01
"""Share of skin in a picture without a face from which on somebody wears the garment."""


def alone(picture: Photo, nets: FaceNets, part: Part) -> Mask:
    """Select a garment that nobody with a face wears: on somebody cut off at the neck, or flat."""
    parts = nets.parts.read(picture.pixels)
    if parts.body_skin.mean() > _SKIN and parts.clothes.mean() > _LEAST_FLAT:
        worn = connected(parts.clothes)
        if worn_below(worn) or (part != "upper" and is_dress(worn) and _shows_legs(parts, worn)):
            raise InvalidInput(
                f"{picture.name} shows clothes on somebody whose face is not seen: for what is "
                "worn below the waist choose a picture of the garment alone."
            )
        return worn
    mask = cut_out(picture.pixels)
    return np.maximum(mask, _within(parts, mask))


def _shows_legs(parts: Parts, worn: Mask) -> bool:
    """Tell skin below the clothes: above their hem it may be cloth of skin's colour."""
    last = int(np.flatnonzero((worn > 0.5).any(axis=1))[-1])
    return bool((parts.body_skin[last:] > 0.5).sum() > _SKIN * (worn > 0.5).sum())


def _within(parts: Parts, mask: Mask) -> Mask:
    """Return the clothes that the net sees where the ground shows, too."""
    clothes = connected(parts.clothes)
    overlap = float((clothes * mask).sum()) / max(float(clothes.sum()), 1.0)
    return clothes if overlap > 0.5 else np.zeros_like(mask)


def require_some(share: float, name: str) -> None:
    if share < _LEAST_FLAT:
        raise InvalidInput(
            f"No garment was found in {name}: choose a picture of one, worn, laid on an even "
            "ground, or cut out with transparency."
        )
    if share > _MOST_FLAT:
        raise InvalidInput(
            f"The garment in {name} fills the whole picture, so its outline cannot be told: "
            "choose a picture with some ground around it."
        )


def connected(mask: Mask) -> Mask:
    """Keep what belongs to the largest piece, and pieces of at least a tenth of it."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((mask > 0.5).astype(np.uint8))
    if len(stats) < 2:
        return np.zeros_like(mask)
    largest = max(row[4] for row in stats[1:])
    small = [n for n, row in enumerate(stats) if n and row[4] < 0.1 * largest]
    return np.asarray(np.where(np.isin(labels, small), np.float32(0), mask), np.float32)
