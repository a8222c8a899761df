"""A garment laid on a person: under chin, hair and hands, over what was worn, within the body."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.blend import composite
from facechain_ext.imaging.masks import dilate, smooth, within
from facechain_ext.tryon.anchors import HEM, Anchors, figure_anchors
from facechain_ext.tryon.backdrop import over_backdrop
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.fit import Fitted, fit
from facechain_ext.tryon.garment import Garment
from facechain_ext.tryon.hands import hands
from facechain_ext.tryon.notes import SEEN, notes_of
from facechain_ext.tryon.skin import bared, toned

_SHADE, _SHADE_WIDTH = 0.22, 0.09
"""How much darker a garment is right under chin and hair, and how far, in face heights."""

_BARE = 0.35
"""Share of what was worn on the chest that may stay uncovered."""

_ROUND = 0.03
"""What is finer in an outline is noise of the nets, in face heights."""

_HEM = 0.05
"""How far below the hips a garment is drawn out at most, in shoulder widths."""

_SCRAP = 0.03
"""Share of the trunk up to which a piece of the old clothes is a scrap."""


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


def dress(figure: Figure, garment: Garment) -> Dressed:
    """Put a garment on somebody; raises InvalidInput where it is not enough for what is seen."""
    body = figure_anchors(figure)
    fitted = fit(garment, body, figure.pixels.shape[1::-1])
    front = in_front(figure)
    covered = _covered(figure, garment, fitted, body)
    _require_all_of_it(figure, garment, covered, fitted, body)
    bare = bared(figure, fitted.skin, covered, front)
    covered = np.maximum(covered, _scraps(figure, covered, bare, body))
    shown = composite(toned(figure, fitted, bare), figure.pixels, bare)
    cloth = _shaded(fitted.pixels, front, figure.unit)
    alpha = np.asarray(covered * (1 - front), np.float32)
    person = smooth(figure.parts.person, _ROUND * figure.unit)
    pixels = over_backdrop(cloth, shown, alpha, person, figure.unit)
    return Dressed(
        _kept(pixels, figure.pixels, np.maximum(alpha, bare)),
        alpha * person,
        _edge(alpha, figure),
        tuple(notes_of(figure, garment, fitted, alpha, bare)),
    )


def in_front(figure: Figure) -> Mask:
    """Select what hangs or is held before a garment: hair, the face, jewels, hands."""
    parts = figure.parts
    above = parts.hair + parts.face_skin + parts.other
    return np.asarray(np.clip(np.maximum(above, hands(figure)), 0, 1), np.float32)


def _covered(figure: Figure, garment: Garment, fitted: Fitted, body: Anchors) -> Mask:
    """Return where the garment is, drawn out over what was worn below the neck, on the body."""
    worn = figure.parts.clothes * fitted.near * (1 - fitted.skin)
    worn[: body.neck] = 0
    mask = smooth(fitted.mask, _ROUND * figure.unit)
    end = _end(figure, body)
    worn[end:], mask[end:] = 0, mask[end:] * (1 - fitted.beyond[end:])
    on_body = dilate((figure.trunk > 0.02).astype(np.float32), 1)
    if HEM in body.places and HEM in garment.anchors.places:
        mask[round(body.places[HEM][1] + _HEM * body.width) :] = 0
    under_hair = np.minimum(figure.parts.hair, mask)
    covered = np.maximum(mask, worn) * np.maximum(on_body, under_hair)
    # A collar may stand a little above the chin.
    covered[: max(0, round(figure.chin[1] - 0.1 * figure.unit))] = 0
    return np.asarray(covered, np.float32)


def _require_all_of_it(
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


def _scraps(figure: Figure, covered: Mask, bare: Mask, body: Anchors) -> Mask:
    """Select small pieces of the old clothes that would show beside the new ones."""
    left = figure.parts.clothes * (1 - np.maximum(covered, bare))
    left[: body.neck] = 0
    left[_end(figure, body) :] = 0
    _, labels, stats, _ = cv2.connectedComponentsWithStats((left > 0.5).astype(np.uint8))
    most = _SCRAP * float(figure.trunk.sum())
    small = [n for n, row in enumerate(stats) if n and row[4] < most]
    grown = dilate(np.isin(labels, small).astype(np.float32), max(1, round(0.01 * figure.unit)))
    return np.asarray(grown * (figure.parts.clothes > 0.02), np.float32)


def _shaded(cloth: Pixels, front: Mask, unit: float) -> Pixels:
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


def _kept(pixels: Pixels, photo: Pixels, changed: Mask) -> Pixels:
    return np.where(changed[..., None] > 0, pixels, photo)


def _edge(alpha: Mask, figure: Figure) -> Mask:
    """Select the border between a garment and the person, wide enough for a repaint to work on."""
    solid = (alpha > 0.5).astype(np.float32)
    width = max(2, round(0.05 * figure.unit))
    border = within(solid, width) * within(np.asarray(1 - solid, np.float32), width)
    faces = within(figure.parts.face_skin, width)
    return np.asarray((border * figure.parts.person > 0.5) & (faces == 0), np.float32)
