"""What is worn below the waist laid on a person: under what hangs over it, hands and sleeves."""

from __future__ import annotations

import numpy as np

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.blend import composite
from facechain_ext.imaging.masks import dilate, smooth, within
from facechain_ext.tryon.beltline import Beltline, find_beltline
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.fit import Fitted, drawn
from facechain_ext.tryon.garment import Garment
from facechain_ext.tryon.hands import arms
from facechain_ext.tryon.hanging import hang
from facechain_ext.tryon.laying import Dressed, edge_of, in_front, kept, shaded
from facechain_ext.tryon.notes import notes_below
from facechain_ext.tryon.stance import Stance, read_stance
from facechain_ext.tryon.strips import Strips, rounding, strip_map

_ROUND = 0.02
"""What is finer in an outline is noise of the nets, in face heights."""

_RIM, _ABOVE = 0.07, 0.35
"""How far old clothes may reach beyond the new ones to be covered, in lengths of the trunk, and
above their waist, in the way from there to the fork."""

_CLOTH, _SLEEVE = 0.3, 2.0
"""From which share on a pixel is cloth; and how surely what lies along an arm is its sleeve."""

_FRINGE = 0.1
"""How far above the belt old clothes from below it may still be seen, in lengths of the trunk."""


def dress_below(figure: Figure, garment: Garment, strips: Strips) -> Dressed:
    """Put trousers, shorts or a skirt on; raises InvalidInput for whoever does not stand there."""
    stance = read_stance(figure)
    belt = find_beltline(figure, stance)
    hung = hang(strips, stance, belt)
    size = figure.pixels.shape[1], len(figure.pixels)
    fitted = drawn(garment, strip_map(strips, hung, size))
    over, front = _over(figure, stance, belt), front_below(figure, stance, belt)
    covered = covered_below(figure, fitted, hung, stance, belt) * (1 - over)
    cloth = lit(fitted.pixels, hung)
    cloth = shaded(cloth, np.maximum(front, over * figure.cloth), figure.unit)
    alpha = np.asarray(covered * (1 - front), np.float32)
    return Dressed(
        kept(composite(cloth, figure.pixels, alpha), figure.pixels, alpha),
        alpha,
        edge_of(alpha, figure),
        tuple(notes_below(figure, garment, fitted, alpha, over, hung)),
    )


def covered_below(
    figure: Figure,
    fitted: Fitted,
    hung: Strips,
    stance: Stance,
    belt: Beltline | None,
    *,
    free: bool = False,
) -> Mask:
    """Return where the garment is, drawn out over what was worn; above the hips on the body.

    free: whether it may stand off the body from its waist on.
    """
    mask = smooth(fitted.mask * (1 - fitted.beyond), _ROUND * figure.unit)
    above = 0.0 if belt is None else _ABOVE * (hung.fork - hung.waist)
    mask = np.maximum(mask, between(figure, hung, hung.waist - above, hung.fork))
    near = within(mask, _RIM * stance.trunk) * between(figure, hung, hung.waist, hung.hem, wide=1)
    mask = np.maximum(mask, near * (figure.cloth > _CLOTH))
    upper = slice(0, max(0, round(hung.waist if free else stance.hip)))
    mask[upper] *= dilate((figure.matte > 0.5).astype(np.float32), 2)[upper]
    return np.asarray(mask, np.float32)


def between(figure: Figure, hung: Strips, first: float, last: float, *, wide: int = 0) -> Mask:
    """Select what was worn between two rows, within the outline or (wide) beside it, too."""
    rows = np.arange(len(figure.pixels), dtype=np.float64)
    outer, _ = hung.at(rows)
    columns = np.arange(figure.pixels.shape[1])[None]
    reach = wide * len(figure.pixels)
    inside = (columns >= outer[:, :1] - reach) & (columns <= outer[:, 1:] + reach)
    inside &= ((rows >= first) & (rows < last))[:, None]
    return np.asarray(inside * figure.cloth * (figure.matte > 0.5), np.float32)


def front_below(figure: Figure, stance: Stance, belt: Beltline | None) -> Mask:
    """Select hair, hands, bags, and sleeves that look as what is worn above; not shoes."""
    front = in_front(figure)
    if belt is not None:
        sleeves = arms(figure) * figure.cloth * np.clip(_SLEEVE - 4 * belt.looks, 0, 1)
        front = np.maximum(front, sleeves)
    shins = slice(min(len(front), round(stance.knee)), None)
    front[shins] = np.clip(front[shins] - figure.parts.other[shins], 0, 1)
    return np.asarray(front, np.float32)


def _over(figure: Figure, stance: Stance, belt: Beltline | None) -> Mask:
    """Select what is above the belt, but for a fringe of what is worn below it."""
    if belt is None:
        return np.zeros(figure.pixels.shape[:2], np.float32)
    rows = np.arange(len(figure.pixels))[:, None]
    above = belt.rows[None] - rows
    fringe = (above < _FRINGE * stance.trunk) * np.clip(3 * belt.looks - 1, 0, 1)
    return np.asarray(np.clip(above + 0.5, 0, 1) * (1 - fringe), np.float32)


def lit(cloth: Pixels, hung: Strips) -> Pixels:
    """Let strips turn away from the light at their edges: what lies flat has no roundness."""
    light = rounding(hung, (cloth.shape[1], len(cloth)))
    return np.asarray(np.rint(cloth * light[..., None]), np.uint8)
