"""What is to be said of a garment that was put on."""

from __future__ import annotations

import numpy as np

from facechain_ext.base.records import Mask
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.fit import Fitted
from facechain_ext.tryon.garment import Garment
from facechain_ext.tryon.strips import Strips

SEEN = 0.004
"""Share of the trunk from which on something is worth telling."""

_ENLARGED = 1.6
"""Pixels of the photo for one of the garment's picture, from which on it looks soft."""


def notes_of(
    figure: Figure, garment: Garment, fitted: Fitted, alpha: Mask, bare: Mask, *, cut: bool
) -> list[str]:
    trunk = max(float(figure.trunk.sum()), 1.0)
    under = figure.parts.clothes * (1 - np.maximum(alpha, bare))
    told = []
    if cut:
        told.append(
            f"{garment.name} shows a dress: as a top it is cut off at the hips. The part dress "
            "puts the whole of it on."
        )
    if bare.sum() > SEEN * trunk:
        told.append(
            "The new neckline or sleeves show skin that the old clothes hid: it comes from the "
            f"garment's picture, {garment.name}, in the person's own tone."
        )
    if (under > 0.5).sum() > 10 * SEEN * trunk:
        told.append("What the garment does not cover of the old clothes stays as it was.")
    if (alpha * fitted.beyond).sum() > SEEN * trunk:
        told.append(
            f"{garment.name} cuts the garment off: what the photo shows beyond goes on as it ends "
            "there."
        )
    return told + _soft(fitted)


def notes_below(
    figure: Figure, garment: Garment, fitted: Fitted, alpha: Mask, over: Mask, hung: Strips
) -> list[str]:
    """Tell what is to be said of something for the lower body. over: what hangs over it."""
    left = figure.cloth * (1 - np.maximum(alpha, over))
    left[: max(0, round(hung.waist))] = 0
    told = []
    if (left > 0.5).sum() > 10 * SEEN * max(float((alpha > 0.5).sum()), 1.0):
        told.append(
            "What the garment does not cover of the old clothes stays as it was: legs that they "
            "hide are not invented."
        )
    if hung.hem > len(figure.pixels):
        told.append(f"{figure.name} ends above the garment's hem: it goes as far as the photo.")
    if garment.mask[-1].max() > 0.5:
        told.append(f"{garment.name} cuts the garment off: it ends as it does there.")
    return told + _soft(fitted)


def notes_whole(
    figure: Figure, garment: Garment, fitted: Fitted, alpha: Mask, hung: Strips
) -> list[str]:
    """Tell what is to be said of a dress."""
    left = figure.parts.clothes * (1 - alpha)
    left[max(0, round(hung.waist)) :] = 0
    below = notes_below(figure, garment, fitted, alpha, np.zeros_like(alpha), hung)
    if (left > 0.5).sum() <= 10 * SEEN * max(float(figure.trunk.sum()), 1.0):
        return below
    return ["What the garment does not cover of the old clothes stays as it was.", *below]


def _soft(fitted: Fitted) -> list[str]:
    if fitted.scale <= _ENLARGED:
        return []
    return [
        f"The garment's picture is small for this photo and was enlarged {fitted.scale:.1f} "
        "times: it looks soft."
    ]
