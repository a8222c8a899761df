"""A top laid on a person: under chin, hair and hands, over what was worn, within the body."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask
from facechain_ext.imaging.blend import composite
from facechain_ext.imaging.masks import dilate, smooth
from facechain_ext.tryon.anchors import HEM, Anchors, figure_anchors
from facechain_ext.tryon.backdrop import over_backdrop
from facechain_ext.tryon.ends import unended
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.fit import Fitted, fit
from facechain_ext.tryon.garment import Garment
from facechain_ext.tryon.laying import Dressed, edge_of, in_front, kept, shaded
from facechain_ext.tryon.notes import SEEN, notes_of
from facechain_ext.tryon.skin import bared, toned

_BARE = 0.35
"""Share of what was worn on the chest that may stay uncovered."""

_ROUND = 0.03
"""What is finer in an outline is noise of the nets, in face heights."""

_HEM = 0.05
"""How far below the hips a garment is drawn out at most, in shoulder widths."""

_SCRAP = 0.03
"""Share of the trunk up to which a piece of the old clothes is a scrap."""


def dress_above(figure: Figure, garment: Garment) -> Dressed:
    """Put a top on; raises InvalidInput where it is not enough for what is seen."""
    body = figure_anchors(figure)
    cut = garment.dress and HEM in body.places
    if cut:
        garment = replace(garment, anchors=unended(garment.anchors))
    fitted = fit(garment, body, figure.pixels.shape[1::-1])
    front = in_front(figure)
    ends = cut or (HEM in body.places and HEM in garment.anchors.places)
    covered = covered_above(figure, fitted, body, _end(figure, body), ends=ends)
    require_all_of_it(figure, garment, covered, fitted, body)
    bare = bared(figure, fitted.skin, covered, front)
    covered = np.maximum(covered, scraps(figure, covered, bare, body, _end(figure, body)))
    shown = composite(toned(figure, fitted, bare), figure.pixels, bare)
    cloth = shaded(fitted.pixels, front, figure.unit)
    alpha = np.asarray(covered * (1 - front), np.float32)
    person = smooth(figure.parts.person, _ROUND * figure.unit)
    pixels = over_backdrop(cloth, shown, alpha, person, figure.unit)
    return Dressed(
        kept(pixels, figure.pixels, np.maximum(alpha, bare)),
        alpha * person,
        edge_of(alpha, figure),
        tuple(notes_of(figure, garment, fitted, alpha, bare, cut=cut)),
    )


def covered_above(figure: Figure, fitted: Fitted, body: Anchors, end: int, *, ends: bool) -> Mask:
    """Return where the garment is, drawn out over what was worn below the neck, on the body.

    end: the row below which no cloth is drawn out. ends: whether the body's hem is the garment's.
    """
    worn = figure.parts.clothes * fitted.near * (1 - fitted.skin)
    worn[: body.neck] = 0
    mask = smooth(fitted.mask, _ROUND * figure.unit)
    worn[end:], mask[end:] = 0, mask[end:] * (1 - fitted.beyond[end:])
    on_body = dilate((figure.trunk > 0.02).astype(np.float32), 1)
    if ends:
        mask[round(body.places[HEM][1] + _HEM * body.width) :] = 0
    under_hair = np.minimum(figure.parts.hair, mask)
    covered = np.maximum(mask, worn) * np.maximum(on_body, under_hair)
    # A collar may stand a little above the chin.
    covered[: max(0, round(figure.chin[1] - 0.1 * figure.unit))] = 0
    return np.asarray(covered, np.float32)


def require_all_of_it(
    figure: Figure, garment: Garment, covered: Mask, fitted: Fitted, body: Anchors
) -> None:
    """Raise InvalidInput where the chest would stay as it was: that is not to be invented."""
    chest = figure.parts.clothes * (1 - fitted.skin)
    top, bottom = (max(0, round(body.shoulder + share * body.width)) for share in (-0.2, 0.75))
    left, right = (max(0, round(body.middle + side * 0.3 * body.width)) for side in (-1, 1))
    part = slice(top, bottom), slice(left, right)
    worn = float(chest[part].sum())
    left_over = float((chest[part] * (1 - covered[part])).sum())
    if worn > SEEN * figure.trunk.sum() and left_over > _BARE * worn:
        raise InvalidInput(
            f"{garment.name} does not show enough of the garment for {figure.name}: choose a "
            "picture that shows it further down, or a photo that ends higher up."
        )


def _end(figure: Figure, body: Anchors) -> int:
    """Return the row below which no cloth is drawn out: something else is worn there."""
    if figure.hips is None:
        return len(figure.pixels)
    return round(figure.hips[1] + _HEM * body.width)


def scraps(figure: Figure, covered: Mask, bare: Mask, body: Anchors, end: int) -> Mask:
    """Select small pieces of the old clothes that would show beside the new ones."""
    left = figure.parts.clothes * (1 - np.maximum(covered, bare))
    left[: body.neck] = 0
    left[end:] = 0
    _, labels, stats, _ = cv2.connectedComponentsWithStats((left > 0.5).astype(np.uint8))
    most = _SCRAP * float(figure.trunk.sum())
    small = [n for n, row in enumerate(stats) if n and row[4] < most]
    grown = dilate(np.isin(labels, small).astype(np.float32), max(1, round(0.01 * figure.unit)))
    return np.asarray(grown * (figure.parts.clothes > 0.02), np.float32)
