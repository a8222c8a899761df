"""A garment warped onto a body: a thin-plate spline through the points that both have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.files import resize
from facechain_ext.imaging.masks import erode, within
from facechain_ext.portrait.spline import Map, backward_map, magnification
from facechain_ext.tryon.anchors import Anchors
from facechain_ext.tryon.garment import Garment

_REACH = 0.1
"""How far beyond its outline a garment may be drawn out to cover what was worn, in shoulder
widths."""

_RIM = 0.004
"""How much of its edge may show what is behind, in its picture's longer side."""

WORN, FLAT = 1e-2, 0.1
"""How far the points of a garment that is worn, or that lies flat, are believed."""

_BEYOND = 0.25
"""How far a garment that its picture cuts off goes on as it ends there, in shoulder widths."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A garment on a body's picture, shape (H, W) of it.

    mask: the garment itself. beyond: what of it its picture has cut off. near: what may be covered
    by drawing it out. skin: where its wearer shows skin, `worn` their picture. scale: pixels of the
    picture for one of the garment's.
    """

    pixels: Pixels
    mask: Mask
    beyond: Mask
    near: Mask
    skin: Mask
    worn: Pixels
    scale: float


def fit(garment: Garment, body: Anchors, size: tuple[int, int]) -> Fitted:
    """Warp a garment onto a body; size: width and height of the body's picture."""
    own, theirs = garment.anchors.shared(body)
    stiffness = WORN if garment.worn else FLAT
    return drawn(garment, backward_map(theirs, own, size, stiffness=stiffness))


def drawn(garment: Garment, sources: Map) -> Fitted:
    """Draw a garment through a map; sources: where in its picture each pixel comes from."""
    margin = round(_BEYOND * garment.anchors.width)
    sources = sources + np.array([margin, 0], np.float32)
    mask = _continued(garment.mask, margin)
    seen = _framed(np.ones_like(garment.mask), margin, cv2.BORDER_CONSTANT)
    picture = _framed(garment.pixels, margin, cv2.BORDER_REFLECT_101)
    many = _usual(magnification(sources), _read(sources, mask))
    near = within(mask, _REACH * garment.anchors.width)
    near = np.maximum(near, _cut_off(garment.mask, margin))
    known = _framed(_known(garment), margin, cv2.BORDER_REFLECT_101) * (mask > 0.5)
    skin = np.zeros_like(mask) if garment.skin is None else _continued(garment.skin, margin)
    return Fitted(
        _picture(sources, _drawn_out(picture, known), many),
        _read(sources, mask),
        _read(sources, np.asarray(mask * (1 - seen), np.float32)),
        _read(sources, np.asarray(near, np.float32), cv2.BORDER_REPLICATE),
        _read(sources, skin),
        _picture(sources, picture, many),
        1 / max(many, 1e-3) ** 0.5,
    )


def _known(garment: Garment) -> Mask:
    """Select what surely is cloth: not the rim, nor what is behind hands."""
    rim = max(1, round(_RIM * max(garment.mask.shape)))
    hidden = 0.0 if garment.hidden is None else garment.hidden
    return np.asarray(erode(garment.mask, rim) * (1 - hidden), np.float32)


def _continued(mask: Mask, margin: int) -> Mask:
    return np.asarray(_framed(mask, margin, cv2.BORDER_REPLICATE), np.float32)


def _cut_off(mask: Mask, margin: int) -> Mask:
    """Select the margins where a garment is cut off: there it goes on as the body does.

    Across as far as the body, down to the end of the margin, where another garment may begin.
    """
    sides = np.zeros_like(_continued(mask, margin))
    height, width = mask.shape
    if mask[-1].max() > 0.5:
        sides[height:] = 1
    if mask[:, 0].max() > 0.5:
        sides[:, :margin] = 1
    if mask[:, -1].max() > 0.5:
        sides[:, margin + width :] = 1
    sides[-1] = 0
    return sides


def _framed(picture: Any, margin: int, border: int) -> Any:
    """Give a picture a margin at its sides and below."""
    return cv2.copyMakeBorder(picture, 0, margin, margin, margin, border)


def _usual(area: NDArray[np.float32], mask: Mask) -> float:
    inside = np.abs(area[mask > 0.5])
    return float(np.median(inside)) if len(inside) else 1.0


def _read(sources: Map, mask: Mask, border: int = cv2.BORDER_CONSTANT) -> Mask:
    drawn = cv2.remap(mask, sources, None, cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(np.clip(drawn, 0, 1), np.float32)


def _picture(sources: Map, pixels: Pixels, many: float) -> Pixels:
    """Draw a picture through a map; one that shrinks is made smaller first, so no pixel is lost."""
    share = min(1.0, many**-0.5)
    if share < 0.75:
        width, height = (max(1, round(share * side)) for side in pixels.shape[1::-1])
        ratios = np.array([width / pixels.shape[1], height / len(pixels)], np.float32)
        pixels, sources = resize(pixels, (width, height)), (sources + 0.5) * ratios - 0.5
    drawn = cv2.remap(
        pixels, sources.astype(np.float32), None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(drawn, np.uint8)


def _drawn_out(pixels: Pixels, mask: Mask) -> Pixels:
    """Go on with a garment beyond its outline, mirrored there."""
    solid = mask > 0.5
    _, labels = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    places = np.zeros((int(labels.max()) + 1, 2), np.int64)
    rows, columns = np.nonzero(solid)
    places[labels[rows, columns]] = np.column_stack([rows, columns])
    outside = np.nonzero(~solid)
    edge = places[labels[outside]]
    mirrored = 2 * edge - np.column_stack(outside)
    valid = ((mirrored >= 0) & (mirrored < solid.shape)).all(axis=1)
    valid[valid] = solid[tuple(mirrored[valid].T)]
    chosen = np.where(valid[:, None], mirrored, edge)
    whole = pixels.copy()
    whole[outside] = pixels[tuple(chosen.T)]
    return np.asarray(whole, np.uint8)
