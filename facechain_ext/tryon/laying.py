"""What is laid on a photo: what is before it, its shade, its edge, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.masks import within
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.hands import hands

_SHADE, _SHADE_WIDTH = 0.22, 0.09
"""How much darker a garment is right under chin and hair, and how far, in face heights."""


@dataclass(frozen=True, eq=False)
class Dressed:
    """A photo with the garment on. alpha: (H, W), how much of the garment shows.

    edge: where it meets what was there, for a repaint. Beyond alpha and edge the photo is as it
    was in every byte, but for the skin that a lower neckline shows. notes: sentences.
    """

    pixels: Pixels
    alpha: Mask
    edge: Mask
    notes: tuple[str, ...]


def in_front(figure: Figure) -> Mask:
    """Select what hangs or is held before a garment: hair, the face, jewels, hands."""
    parts = figure.parts
    above = parts.hair + parts.face_skin + parts.other
    return np.asarray(np.clip(np.maximum(above, hands(figure)), 0, 1), np.float32)


def shaded(cloth: Pixels, front: Mask, unit: float) -> Pixels:
    """Darken a garment a little where something hangs right before it."""
    darker = 1 - _SHADE * np.clip(_spread(front, max(1.0, _SHADE_WIDTH * unit)), 0, 1)
    return np.asarray(np.rint(cloth * darker[..., None]), np.uint8)


def _spread(mask: Mask, radius: float) -> Mask:
    """Blur widely, in small: what is so wide has no detail."""
    step = max(1, int(radius // 4))
    size = max(1, mask.shape[1] // step), max(1, mask.shape[0] // step)
    small = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), radius / step, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(blurred, mask.shape[1::-1]), np.float32)


def kept(pixels: Pixels, photo: Pixels, changed: Mask) -> Pixels:
    return np.where(changed[..., None] > 0, pixels, photo)


def edge_of(alpha: Mask, figure: Figure) -> Mask:
    """Select the border between a garment and the person, wide enough for a repaint to work on.

    Not the outline against what is behind, which is the photo's own, nor the face.
    """
    solid = (alpha > 0.5).astype(np.float32)
    width = max(2, round(0.05 * figure.unit))
    border = within(solid, width) * within(np.asarray(1 - solid, np.float32), width)
    behind = within(np.asarray(1 - figure.parts.person, np.float32), width)
    faces = within(figure.parts.face_skin, width)
    return np.asarray((border > 0.5) & (behind == 0) & (faces == 0), np.float32)
