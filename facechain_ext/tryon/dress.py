"""A garment laid on a person, whatever part of the body it is for."""

from __future__ import annotations

from facechain_ext.tryon.above import dress_above
from facechain_ext.tryon.below import dress_below
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.garment import Garment
from facechain_ext.tryon.laying import Dressed
from facechain_ext.tryon.whole import dress_whole

__all__ = ["Dressed", "dress"]


def dress(figure: Figure, garment: Garment) -> Dressed:
    """Put a garment on somebody; raises InvalidInput where it is not enough for what is seen.

    A photo that ends above the hips shows of a dress what it would of a top.
    """
    if garment.strips is None or (garment.dress and figure.hips is None):
        return dress_above(figure, garment)
    if garment.dress:
        return dress_whole(figure, garment, garment.strips)
    return dress_below(figure, garment, garment.strips)
