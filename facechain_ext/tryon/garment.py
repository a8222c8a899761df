"""A garment cut out of a picture: worn by somebody, laid flat, or with alpha of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask, Photo, Pixels
from facechain_ext.config.tryon import Part
from facechain_ext.dataset.search import find_faces
from facechain_ext.imaging.masks import dilate
from facechain_ext.nets import FaceNets
from facechain_ext.tryon.alone import alone, connected, require_some
from facechain_ext.tryon.anchors import Anchors, figure_anchors
from facechain_ext.tryon.figure import Figure, read_figure
from facechain_ext.tryon.flat import cut_out
from facechain_ext.tryon.flat_anchors import flat_anchors
from facechain_ext.tryon.flat_strips import flat_strips
from facechain_ext.tryon.gown import bodice_of, has_skirt, long_sleeved, skirt_of, without_sleeves
from facechain_ext.tryon.hands import hands
from facechain_ext.tryon.neckhole import opened
from facechain_ext.tryon.part import has_legs, is_dress, worn_below
from facechain_ext.tryon.strips import Strips
from facechain_ext.tryon.trim import parted, trimmed

_LEAST_WORN = 0.05
"""Clothes below the chin, in squared face heights, that are a garment."""

_BELOW = ("lower", "dress")
"""Parts whose garments are taken from pictures of themselves alone."""

_OPAQUE, _NEARLY = 0.98, 0.85

_HAND_RIM = 0.03
"""What of the cloth beside a hand may show it, in face heights."""


@dataclass(frozen=True, eq=False)
class Garment:
    """A garment and what it is fitted by.

    mask: (H, W). skin: (H, W), where whoever wears it shows skin, None where nobody does. hidden:
    (H, W), what of the mask is behind their hands. strips: of what is worn below the waist, and
    of a dress's skirt. dress: whether its outline goes on to the legs;
    long_sleeves: of a dress.
    """

    name: str
    pixels: Pixels
    mask: Mask
    anchors: Anchors
    skin: Mask | None = None
    hidden: Mask | None = None
    strips: Strips | None = None
    dress: bool = False
    long_sleeves: bool = False

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
    if find_faces(picture.pixels, nets.detector) and (part not in _BELOW or opaque is None):
        if part in _BELOW:
            raise InvalidInput(
                f"{picture.name} shows somebody: what is worn below the waist is taken from a "
                "picture of the garment alone, laid flat or cut out with transparency."
            )
        return _worn(read_figure(picture, nets), opaque)
    mask = opaque if opaque is not None else alone(picture, nets, part)
    require_some(float(mask.mean()), picture.name)
    exact = mask if opaque is not None else exact_outline(mask, picture.pixels)
    if part == "lower" or (part == "auto" and worn_below(exact)):
        return of_strips(picture, exact)
    if part == "dress" or (is_dress(mask) and _goes_on(exact)):
        free = exact if opaque is not None else parted(exact, picture.pixels)
        return of_dress(picture, free, whole=part != "upper")
    anchors = flat_anchors(mask, picture.name)
    return Garment(picture.name, picture.pixels, opened(mask, anchors), anchors)


def _worn(figure: Figure, alpha: Mask | None) -> Garment:
    clothes = figure.parts.clothes.copy()
    clothes[: max(0, round(figure.chin[1] - 0.1 * figure.unit))] = 0
    clothes = connected(clothes if alpha is None else np.minimum(clothes, alpha))
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
    return trimmed(connected(apart if nearly else mask), pixels)


def of_strips(picture: Photo, mask: Mask) -> Garment:
    """Measure something for the lower body that is cut out; raises InvalidInput for a tiny one."""
    strips = flat_strips(mask, picture.name)
    width = float(np.median(strips.outer[:, 1] - strips.outer[:, 0]))
    anchors = Anchors({}, width, strips.waist, float(strips.inner.mean()))
    return Garment(picture.name, picture.pixels, mask, anchors, strips=strips)


def _goes_on(mask: Mask) -> bool:
    """Tell a dress from a top whose outline was found too narrow, and from trousers."""
    return is_dress(mask) and has_skirt(mask) and not has_legs(mask > 0.5)


def of_dress(picture: Photo, mask: Mask, *, whole: bool = True) -> Garment:
    """Measure a dress that is cut out; raises InvalidInput for what ends at the waist.

    whole: not its upper part alone.
    """
    skirt = skirt_of(mask, picture.name)
    anchors = bodice_of(mask, skirt, picture.name)
    strips = skirt if whole else None
    shown = opened(without_sleeves(mask, skirt), anchors)
    return Garment(
        picture.name,
        picture.pixels,
        shown,
        anchors,
        strips=strips,
        dress=True,
        long_sleeves=long_sleeved(mask, skirt),
    )


def _before(figure: Figure, clothes: Mask) -> Mask:
    """Return the hands and forearms that are before the clothes, with cloth on both sides."""
    arms = (hands(figure) > 0.5).astype(np.float32)
    solid = clothes > 0.5
    left, right = np.maximum.accumulate(solid, 1), np.maximum.accumulate(solid[:, ::-1], 1)
    between = left & right[:, ::-1]
    return np.asarray(arms * between, np.float32)
