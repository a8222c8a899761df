"""Soft selections: float32 (H, W), 0..1."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask, Pixels, Points

Shape = tuple[int, int]
"""Height and width, as in array.shape[:2]."""

# The outline of MediaPipe's canonical face mesh, clockwise in the picture from the forehead.
FACE_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
    148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip


def polygon(points: Points, shape: Shape) -> Mask:
    """Fill a closed outline (N, 2)."""
    canvas = np.zeros(shape, np.uint8)
    # Four fractional bits, so that outlines do not snap to whole pixels.
    cv2.fillPoly(canvas, [np.rint(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    filled: Mask = canvas.astype(np.float32) / np.float32(255)
    return filled


def hull(points: Points, shape: Shape) -> Mask:
    """Fill the convex hull of points (N, 2)."""
    return polygon(cv2.convexHull(points.astype(np.float32)).reshape(-1, 2), shape)


def face_oval(landmarks478: Points, shape: Shape) -> Mask:
    """Fill the face from the forehead to the chin, without ears and hair."""
    return polygon(landmarks478[list(FACE_OVAL)], shape)


def ellipse(
    center: tuple[float, float], radii: tuple[float, float], shape: Shape, *, angle: float = 0.0
) -> Mask:
    """Fill an ellipse; angle in degrees, clockwise in the picture."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    x, y = x - float(center[0]), y - float(center[1])
    u, v = (x * cos + y * sin) / float(radii[0]), (y * cos - x * sin) / float(radii[1])
    inside: Mask = np.clip(0.5 - (np.hypot(u, v) - 1) * float(min(radii)), 0, 1)
    return inside


def feather(mask: Mask, radius: float) -> Mask:
    """Soften the border over about `radius` pixels to both sides."""
    if radius <= 0:
        return mask
    blurred: Mask = cv2.GaussianBlur(mask, (0, 0), radius / 2, borderType=cv2.BORDER_REPLICATE)
    return np.clip(blurred, 0, 1)


def smooth(mask: Mask, radius: float) -> Mask:
    """Round an outline off: what is finer than about `radius` pixels goes, its edge stays sharp."""
    if radius <= 0:
        return mask
    blurred = cv2.GaussianBlur(mask, (0, 0), radius / 2, borderType=cv2.BORDER_REPLICATE)
    steepness = max(1.0, radius / 1.5)
    return np.asarray(np.clip((blurred - 0.5) * steepness + 0.5, 0, 1), np.float32)


def erode(mask: Mask, radius: int) -> Mask:
    """Shrink by `radius` pixels."""
    return mask if radius <= 0 else cv2.erode(mask, _disc(radius))


def dilate(mask: Mask, radius: int) -> Mask:
    """Grow by `radius` pixels."""
    return mask if radius <= 0 else cv2.dilate(mask, _disc(radius))


def within(mask: Mask, radius: float) -> Mask:
    """Select what lies at most `radius` pixels from a mask; as fast for far as for near."""
    solid = mask > 0.5
    if not solid.any():
        return np.zeros(mask.shape, np.float32)
    return np.asarray(_distance(~solid) <= radius, np.float32)


def _disc(radius: int) -> NDArray[np.uint8]:
    disc: NDArray[np.uint8] = cv2.getStructuringElement(
        cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)
    )
    return disc


def largest_piece(solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Select the largest of the pieces that hang together; nothing where there is none."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8))
    if len(stats) < 2:
        return np.zeros_like(solid)
    return np.asarray(labels == 1 + int(stats[1:, 4].argmax()), bool)


def components_at(mask: Mask, seed: Mask) -> Mask:
    """Keep only the connected parts that overlap the seed, or the whole mask if none does.

    Parts are told apart where the mask exceeds 0.5; their soft borders go with them.
    """
    _, labels = cv2.connectedComponents((mask > 0.5).astype(np.uint8), connectivity=8)
    kept = np.setdiff1d(np.unique(labels[seed > 0.5]), [0])
    return _without(mask, labels, kept=kept) if len(kept) else mask


def _without(mask: Mask, labels: NDArray[np.int32], *, kept: NDArray[np.int64]) -> Mask:
    """Blank the other parts and whatever soft border lies nearer to them than to the kept ones."""
    stays = np.isin(labels, kept)
    others = (labels > 0) & ~stays
    if not others.any():
        return mask
    to_kept, to_others = (_distance(~part) for part in (stays, others))
    return np.where(to_others < to_kept, np.float32(0), mask)


def _distance(outside: NDArray[np.bool_]) -> Mask:
    distance: Mask = cv2.distanceTransform(outside.astype(np.uint8), cv2.DIST_L2, 3)
    return distance


def guided_filter(mask: Mask, pixels: Pixels, *, radius: int, eps: float) -> Mask:
    """Snap a mask to the edges of a picture (He et al. 2010, with a grey guide).

    Fitted at lower resolution when the radius allows it (He and Sun 2015).
    radius: half the window in pixels. eps: squared contrast (of 0..1) below which edges are noise.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)
    step = max(1, radius // 4)
    height, width = mask.shape
    size = (max(1, width // step), max(1, height // step))
    slope, offset = _guided_fit(
        cv2.resize(grey, size, interpolation=cv2.INTER_AREA),
        cv2.resize(mask, size, interpolation=cv2.INTER_AREA),
        radius=max(1, radius // step), eps=eps,
    )  # fmt: skip
    fitted: Mask = cv2.resize(slope, (width, height)) * grey + cv2.resize(offset, (width, height))
    return np.clip(fitted, 0, 1)


def _guided_fit(guide: Mask, mask: Mask, *, radius: int, eps: float) -> tuple[Mask, Mask]:
    """Fit mask = slope x guide + offset in every window; return the means over all windows."""
    window = (2 * radius + 1, 2 * radius + 1)

    def mean(values: Mask) -> Mask:
        averaged: Mask = cv2.boxFilter(values, -1, window, borderType=cv2.BORDER_REFLECT)
        return averaged

    mean_guide, mean_mask = mean(guide), mean(mask)
    variance = mean(guide * guide) - mean_guide * mean_guide
    slope = (mean(guide * mask) - mean_guide * mean_mask) / (variance + np.float32(eps))
    return mean(slope), mean(mean_mask - slope * mean_guide)
