"""Where a garment ends on a body: at its waist, or not at all."""

from __future__ import annotations

from dataclasses import replace

from facechain_ext.tryon.anchors import FLANK, HEM, Anchors
from facechain_ext.tryon.rows import ARMPIT, SIDES, Place


def ended(body: Anchors, left: Place, right: Place) -> Anchors:
    """Let a body's garment end between two places instead of at the hips: at the waist."""
    ends = {"left": left, "right": right}
    sides = {
        f"{side} flank {part}": _along(body.beside(side, "trunk", ARMPIT), ends[side], part)
        for side in SIDES
        for part in FLANK
    }
    return replace(body, places={**body.places, **sides, HEM: _along(left, right, 0.5)})


def unended(garment: Anchors) -> Anchors:
    """Forget where a garment ends: it goes on below what is to be dressed."""
    places = {n: at for n, at in garment.places.items() if n != HEM and "flank" not in n}
    return replace(garment, places=places)


def _along(start: Place, end: Place, share: float) -> Place:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
