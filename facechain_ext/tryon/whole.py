"""A dress laid on a person: its upper part as a top, and from the waist down as a skirt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask, Pixels, Points
from facechain_ext.imaging.blend import composite
from facechain_ext.portrait.spline import Map, backward_map
from facechain_ext.tryon.above import covered_above, require_all_of_it, scraps
from facechain_ext.tryon.alone import connected
from facechain_ext.tryon.anchors import ON_SLOPE, Anchors, figure_anchors
from facechain_ext.tryon.backdrop import over_backdrop
from facechain_ext.tryon.below import covered_below, front_below, lit
from facechain_ext.tryon.beltline import find_beltline
from facechain_ext.tryon.ends import ended
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.fit import FLAT, Fitted, drawn
from facechain_ext.tryon.garment import Garment
from facechain_ext.tryon.hands import arms
from facechain_ext.tryon.hanging import hang_skirt
from facechain_ext.tryon.laying import Dressed, edge_of, in_front, kept, shaded
from facechain_ext.tryon.notes import notes_whole
from facechain_ext.tryon.stance import Stance, read_stance
from facechain_ext.tryon.strips import Strips, strip_map

_WAIST = 0.38
"""How far above the hips a dress has its waist, in lengths of the trunk."""

_CHEST = 0.25
"""From where below the shoulders old clothes on the trunk are covered, in shoulder widths."""

_REACH = 0.1
"""How far beside its strips a skirt may be at all, in lengths of the trunk."""

_BAND = 0.12
"""Over how much of the body one way of fitting goes over into the other, in the same."""


def dress_whole(figure: Figure, garment: Garment, skirt: Strips) -> Dressed:
    """Put a dress on; raises InvalidInput for whoever does not stand there, down to the hips."""
    _require_short_sleeves(garment)
    stance, body = read_stance(figure), figure_anchors(figure)
    hung = _hung(garment, skirt, stance, body)
    ((left, right),), _ = hung.at(np.array([hung.waist]))
    body = ended(body, (float(left), hung.waist), (float(right), hung.waist))
    below = _below(len(figure.pixels), hung.waist, _BAND * stance.trunk)
    fitted = drawn(garment, _sources(figure, (garment.anchors, body), (skirt, hung), below))
    front = _front(figure, stance, below)
    covered = _covered(figure, fitted, body, hung, stance)
    require_all_of_it(figure, garment, covered, fitted, body)
    cloth = shaded(_lit(fitted.pixels, hung, below), front, figure.unit)
    alpha = np.asarray(covered * (1 - front), np.float32)
    return Dressed(
        kept(_laid(figure, cloth, alpha, below), figure.pixels, alpha),
        alpha,
        edge_of(alpha, figure),
        tuple(notes_whole(figure, garment, fitted, alpha, hung)),
    )


def _require_short_sleeves(garment: Garment) -> None:
    if garment.long_sleeves:
        raise InvalidInput(
            f"{garment.name} shows a dress with long sleeves, which is fitted only as far as the "
            "hips: choose a photo that ends there, or the part upper."
        )


def _hung(garment: Garment, skirt: Strips, stance: Stance, body: Anchors) -> Strips:
    """Hang the skirt from the body's waist, as long as the way from the neck there has it."""
    waist = stance.hip - _WAIST * stance.trunk
    own, theirs = (
        row - anchors.places["middle"][1]
        for row, anchors in ((skirt.waist, garment.anchors), (waist, body))
    )
    return hang_skirt(skirt, stance, waist, theirs / max(own, 1.0))


def _below(height: int, waist: float, band: float) -> NDArray[np.float32]:
    """Return how far each row is below the waist, (H, 1): 0 above the band, 1 below it."""
    share = np.clip((np.arange(height) - waist) / max(band, 1.0) / 2 + 0.5, 0, 1)
    return np.asarray(share**2 * (3 - 2 * share), np.float32)[:, None]


def _sources(
    figure: Figure,
    above: tuple[Anchors, Anchors],
    skirts: tuple[Strips, Strips],
    below: NDArray[np.float32],
) -> Map:
    """Blend the spline of what is above the waist with the strips below it."""
    size = figure.pixels.shape[1], len(figure.pixels)
    own, theirs = (
        np.concatenate([points, sleeves])
        for points, sleeves in zip(above[0].shared(above[1]), _sleeves(*above), strict=True)
    )
    upper = backward_map(theirs, own, size, stiffness=FLAT)
    return upper + (strip_map(*skirts, size) - upper) * below[..., None]


def _sleeves(bodice: Anchors, body: Anchors) -> tuple[Points, Points]:
    """Return the points halfway down sleeves, which follow the roundness of an upper arm."""
    own, theirs = [], []
    for side, sleeve in bodice.sleeves.items():
        start = bodice.places[f"{side} slope {ON_SLOPE[-1]}"]
        own.append(np.mean([start, sleeve.outer], axis=0))
        theirs.append(np.array(body.beside(side, "outer", sleeve.share / 2)))
    first, second = (np.reshape(points, (-1, 2)).astype(np.float32) for points in (own, theirs))
    return first, second


def _covered(figure: Figure, fitted: Fitted, body: Anchors, hung: Strips, stance: Stance) -> Mask:
    """Return where the dress is; what was worn on the trunk below its neckline is covered."""
    waist = max(0, round(hung.waist))
    above = covered_above(figure, fitted, body, waist, ends=True)
    chest = max(0, round(body.shoulder + _CHEST * body.width))
    under = np.maximum.accumulate(above > 0.5, axis=0)
    worn = (figure.parts.clothes > 0.5) & (arms(figure) < 0.5) & under
    whole = np.maximum(above, _skirt(figure, fitted, hung, stance))
    trunk = slice(chest, max(chest, round(min(stance.hip, hung.hem))))
    whole[trunk] = np.maximum(whole, worn)[trunk]
    old = scraps(figure, whole, np.zeros_like(whole), body, waist)
    return connected(np.maximum(whole, old))


def _skirt(figure: Figure, fitted: Fitted, hung: Strips, stance: Stance) -> Mask:
    """Return where a dress is from its waist down; farther beside it are the spline's folds."""
    skirt = covered_below(figure, fitted, hung, stance, None, free=True)
    outer, _ = hung.at(np.arange(len(skirt), dtype=np.float64))
    reach, columns = _REACH * stance.trunk, np.arange(skirt.shape[1])
    skirt[(columns < outer[:, :1] - reach) | (columns > outer[:, 1:] + reach)] = 0
    skirt[: max(0, round(hung.waist))] = 0
    return skirt


def _front(figure: Figure, stance: Stance, below: NDArray[np.float32]) -> Mask:
    """Select what hangs or is held before a dress; from the waist down sleeves, too."""
    above = in_front(figure)
    front = front_below(figure, stance, find_beltline(figure, stance))
    return np.asarray(above + (front - above) * below, np.float32)


def _lit(cloth: Pixels, hung: Strips, below: NDArray[np.float32]) -> Pixels:
    return composite(lit(cloth, hung), cloth, np.broadcast_to(below, cloth.shape[:2]))


def _laid(figure: Figure, cloth: Pixels, alpha: Mask, below: NDArray[np.float32]) -> Pixels:
    """Lay it on the outline above the waist, and below it over what is behind."""
    upper = over_backdrop(cloth, figure.pixels, alpha, figure.parts.person, figure.unit)
    lower = composite(cloth, figure.pixels, alpha)
    return composite(lower, upper, np.broadcast_to(below, alpha.shape))
