"""Where on a body something for its lower part hangs: as wide as it is, and as far as it goes."""

from __future__ import annotations

import numpy as np

from facechain_ext.tryon.beltline import Beltline
from facechain_ext.tryon.stance import Stance
from facechain_ext.tryon.strips import Line, Strips, smoothed, width

_FULL = 0.85
"""Share of the way to the ankles from which on trousers go all of it."""

_TIGHT, _LOOSE = 0.95, 1.0
"""How wide a garment is drawn, over what hips alone would have it: at least and at most."""

_WIDEST = 1.7
"""What of the old clothes is taken for the body's outline, over the garment's own width."""

_FLOOR = 0.3
"""How far below the ankles old trousers may end that new ones cover, and dresses, in lengths of the
trunk."""

_LONGER = 0.15
"""How much longer than the new ones old clothes may be to be covered, in lengths of the trunk."""

_OVER = 0.03
"""How far something reaches over the outline, in its width."""

_SHORT, _LONG, _SLIM = 0.75, 1.2, 1.12
"""How much longer than wide a dress is drawn at its waist: at least, at most, and usually."""

_HIP_ROW = 0.75
"""Where hips are measured, from waist to fork."""


def hang(garment: Strips, stance: Stance, belt: Beltline | None) -> Strips:
    """Return where a garment's strips go on a body."""
    body, legs = stance.legs, garment.legs
    waist = _waist(stance, belt)
    fork = body.fork if legs else stance.hip
    scale = _scale(garment, body, waist, fork)
    hem = _hem(garment, stance, waist, fork, scale, legs=legs)
    return _hung(garment, stance, (waist, fork, hem), scale)


def hang_skirt(skirt: Strips, stance: Stance, waist: float, down: float) -> Strips:
    """Return where a dress's skirt goes from a waist on.

    down: the body's pixels for one of the dress's, as its upper part has them.
    """
    at_waist = _over(stance.legs, waist, skirt, skirt.waist)
    down = float(np.clip(down, _SHORT * at_waist, _LONG * at_waist))
    scale = float(np.clip(at_waist, down / _SLIM, down * _SLIM))
    fork, hem = (waist + down * (row - skirt.waist) for row in (skirt.fork, skirt.hem))
    floor = stance.legs.hem + _FLOOR * stance.trunk
    return _hung(skirt, stance, (waist, fork, min(_over_old(hem, stance), floor)), scale)


def _hung(
    garment: Strips, stance: Stance, places: tuple[float, float, float], scale: float
) -> Strips:
    """Lay strips on the body's outline between its waist and hem, as wide as they are."""
    waist, fork, hem = places
    top, last = round(waist - 0.1 * stance.trunk), round(hem + 0.1 * stance.trunk)
    rows = np.arange(top, last + 1, dtype=np.float64)
    hung = Strips(top, *stance.legs.at(rows), waist, fork, hem)
    own = garment.at(garment.row(rows, hung))
    if not garment.legs:
        middle = hung.outer.mean(axis=1, keepdims=True)
        hung = Strips(top, hung.outer, np.repeat(middle, 2, axis=1), waist, fork, hem)
    outer, inner = _widened(hung, width(own) * scale)
    spread = 0.03 * stance.trunk
    return Strips(top, smoothed(outer, spread), smoothed(inner, spread), waist, fork, hem)


def _waist(stance: Stance, belt: Beltline | None) -> float:
    """Return where the old trousers begin, if that is seen; a top that hangs over hides it."""
    usual = stance.legs.waist
    if belt is None:
        return usual
    outer = stance.legs.at(np.array([usual]))[0][0]
    left, right = (int(np.clip(x, 0, len(belt.rows) - 1)) for x in outer)
    seen = float(np.median(belt.rows[left : right + 1]))
    return seen if seen < stance.hip - 0.08 * stance.trunk else min(seen, usual)


def _scale(garment: Strips, body: Strips, waist: float, fork: float) -> float:
    """Return the body's pixels for one of the garment's across, by hips and waist."""
    rise = garment.fork - garment.waist
    at_waist, at_hips = (
        _over(body, waist + share * (fork - waist), garment, garment.waist + share * rise)
        for share in (0.05, _HIP_ROW)
    )
    return float(np.clip(at_waist, _TIGHT * at_hips, _LOOSE * at_hips))


def _over(body: Strips, row: float, garment: Strips, own: float) -> float:
    """Return the body's width at a row over the garment's at its own."""
    spans = [strips.at(np.array([at]))[0][0] for strips, at in ((body, row), (garment, own))]
    first, second = (max(float(right - left), 1.0) for left, right in spans)
    return first / second


def _hem(
    garment: Strips, stance: Stance, waist: float, fork: float, scale: float, *, legs: bool
) -> float:
    if not legs:
        return _over_old(waist + scale * (garment.hem - garment.waist), stance)
    rise = max(garment.fork - garment.waist, 1.0)
    way = (garment.hem - garment.fork) / rise * (fork - waist)
    whole = stance.legs.hem - fork
    if way <= _FULL * whole:
        return _over_old(fork + way, stance)
    ankle = stance.legs.hem
    return float(np.clip(stance.ends, ankle, ankle + _FLOOR * stance.trunk))


def _over_old(hem: float, stance: Stance) -> float:
    """Let a garment end where the old one does, if that is only a little further down."""
    return stance.ends if 0 < stance.ends - hem < _LONGER * stance.trunk else hem


def _widened(hung: Strips, wanted: Line) -> tuple[Line, Line]:
    """Make strips as wide as the garment, or as what it has to cover; inner edges do not cross."""
    seen = width((hung.outer, hung.inner))
    wide = np.maximum(wanted, np.minimum(seen, _WIDEST * wanted)) * (1 + _OVER)
    middle = hung.inner.mean(axis=1)
    sides = np.array([-1.0, 1.0])
    centre = (hung.outer + hung.inner) / 2
    inner = centre - sides * wide / 2
    apart = (hung.inner[:, 1] - hung.inner[:, 0] > 2)[:, None]
    inner = np.where(apart, inner, hung.inner)
    inner = np.where(sides > 0, np.maximum(inner, middle[:, None]), inner)
    inner = np.where(sides < 0, np.minimum(inner, middle[:, None]), inner)
    return inner + sides * wide, inner
