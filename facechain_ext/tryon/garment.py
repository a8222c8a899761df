"""A garment cut out of a picture: worn by somebody, laid flat, or with alpha of its own."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask, Photo, Pixels
from facechain_ext.config.tryon import Part
from facechain_ext.dataset.search import find_faces
from facechain_ext.imaging.masks import dilate
from facechain_ext.nets import FaceNets
from facechain_ext.nets.parts import Parts
from facechain_ext.tryon.anchors import Anchors, figure_anchors
from facechain_ext.tryon.figure import Figure, read_figure
from facechain_ext.tryon.flat import cut_out
from facechain_ext.tryon.flat_anchors import flat_anchors
from facechain_ext.tryon.flat_strips import flat_strips
from facechain_ext.tryon.hands import hands
from facechain_ext.tryon.neckhole import opened
from facechain_ext.tryon.part import is_dress, worn_below
from facechain_ext.tryon.strips import Strips
from facechain_ext.tryon.trim import trimmed

_LEAST_WORN = 0.05
"""Clothes below the chin, in squared face heights, that are a garment."""

_LEAST_FLAT, _MOST_FLAT = 0.03, 0.97
"""Share of a picture that a garment on its own may take."""

_SKIN = 0.01
"""Share of skin in a picture without a face from which on somebody wears the garment."""

_OPAQUE, _NEARLY = 0.98, 0.85

_HAND_RIM = 0.03
"""What of the cloth beside a hand may show it, in face heights."""


@dataclass(frozen=True, eq=False)
class Garment:
    """A garment and what it is fitted by.

    mask: (H, W). skin: (H, W), where whoever wears it shows skin, None where nobody does. hidden:
    (H, W), what of the mask is behind their hands. strips: of what is worn below the waist.
    dress: whether its outline goes on to the legs.
    """

    name: str
    pixels: Pixels
    mask: Mask
    anchors: Anchors
    skin: Mask | None = None
    hidden: Mask | None = None
    strips: Strips | None = None
    dress: bool = False

    @property
    def worn(self) -> bool:
        """Whether somebody wears it whose body is known."""
        return self.skin is not None


def read_garment(
    picture: Photo, alpha: Mask | None, nets: FaceNets, part: Part = "auto"
) -> Garment:
    """Cut a garment out of whatever picture it is in.

    alpha: (H, W), how opaque it is. Raises InvalidInput where there is none, or several people.
    """
    opaque = None if alpha is None or alpha.min() > _OPAQUE else alpha
    if find_faces(picture.pixels, nets.detector) and (part != "lower" or opaque is None):
        if part == "lower":
            raise InvalidInput(
                f"{picture.name} shows somebody: what is worn below the waist is taken from a "
                "picture of the garment alone, laid flat or cut out with transparency."
            )
        return _worn(read_figure(picture, nets), opaque)
    mask = opaque if opaque is not None else _alone(picture, nets)
    _require(float(mask.mean()), picture.name)
    if part != "upper":
        exact = mask if opaque is not None else exact_outline(mask, picture.pixels)
        if part == "lower" or worn_below(exact):
            return of_strips(picture, exact)
    anchors = flat_anchors(mask, picture.name)
    long = part == "auto" and is_dress(mask)
    return Garment(picture.name, picture.pixels, opened(mask, anchors), anchors, dress=long)


def _worn(figure: Figure, alpha: Mask | None) -> Garment:
    clothes = figure.parts.clothes.copy()
    clothes[: max(0, round(figure.chin[1] - 0.1 * figure.unit))] = 0
    clothes = _connected(clothes if alpha is None else np.minimum(clothes, alpha))
    if clothes.sum() < _LEAST_WORN * figure.unit**2:
        raise InvalidInput(
            f"{figure.name} shows no garment: next to no clothes are seen below the chin."
        )
    before = _before(figure, clothes)
    return Garment(
        figure.name,
        figure.pixels,
        np.maximum(clothes, before),
        figure_anchors(figure),
        figure.parts.body_skin * (1 - before),
        dilate(before, max(1, round(_HAND_RIM * figure.unit))),
    )


def exact_outline(mask: Mask, pixels: Pixels) -> Mask:
    """Go by the ground alone where that finds nearly as much: the net's outline is a wide one."""
    apart = cut_out(pixels)
    nearly = apart.sum() > _NEARLY * mask.sum()
    return trimmed(_connected(apart if nearly else mask), pixels)


def of_strips(picture: Photo, mask: Mask) -> Garment:
    """Measure something for the lower body that is cut out; raises InvalidInput for a tiny one."""
    strips = flat_strips(mask, picture.name)
    width = float(np.median(strips.outer[:, 1] - strips.outer[:, 0]))
    anchors = Anchors({}, width, strips.waist, float(strips.inner.mean()))
    return Garment(picture.name, picture.pixels, mask, anchors, strips=strips)


def _before(figure: Figure, clothes: Mask) -> Mask:
    """Return the hands and forearms that are before the clothes, with cloth on both sides."""
    arms = (hands(figure) > 0.5).astype(np.float32)
    solid = clothes > 0.5
    left, right = np.maximum.accumulate(solid, 1), np.maximum.accumulate(solid[:, ::-1], 1)
    between = left & right[:, ::-1]
    return np.asarray(arms * between, np.float32)


def _alone(picture: Photo, nets: FaceNets) -> Mask:
    """Select a garment that nobody with a face wears: on somebody cut off at the neck, or flat."""
    parts = nets.parts.read(picture.pixels)
    if parts.body_skin.mean() > _SKIN and parts.clothes.mean() > _LEAST_FLAT:
        worn = _connected(parts.clothes)
        if worn_below(worn):
            raise InvalidInput(
                f"{picture.name} shows clothes on somebody whose face is not seen: for what is "
                "worn below the waist choose a picture of the garment alone."
            )
        return worn
    mask = cut_out(picture.pixels)
    return np.maximum(mask, _within(parts, mask))


def _within(parts: Parts, mask: Mask) -> Mask:
    """Return the clothes that the net sees where the ground shows, too."""
    clothes = _connected(parts.clothes)
    overlap = float((clothes * mask).sum()) / max(float(clothes.sum()), 1.0)
    return clothes if overlap > 0.5 else np.zeros_like(mask)


def _require(share: float, name: str) -> None:
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


def _connected(mask: Mask) -> Mask:
    """Keep what belongs to the largest piece, and pieces of at least a tenth of it."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((mask > 0.5).astype(np.uint8))
    if len(stats) < 2:
        return np.zeros_like(mask)
    largest = max(row[4] for row in stats[1:])
    small = [n for n, row in enumerate(stats) if n and row[4] < 0.1 * largest]
    return np.asarray(np.where(np.isin(labels, small), np.float32(0), mask), np.float32)
