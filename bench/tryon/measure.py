"""What is measured of a garment on a person."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.masks import dilate, erode
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.light import to_lab
from facechain_ext.tryon.anchors import figure_anchors
from facechain_ext.tryon.dress import Dressed
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.fit import fit
from facechain_ext.tryon.garment import Garment

Facts = dict[str, Any]

_INSIDE = 0.06
"""How far from its edge a garment's inside begins, in face heights."""

_NEAR = 0.06
"""How far from the body the rim of what is changed may reach, in face heights."""


def measure(figure: Figure, garment: Garment, dressed: Dressed, nets: FaceNets) -> Facts:
    """Return the figures of one picture."""
    margin = max(2, round(_INSIDE * figure.unit))
    fitted = fit(garment, figure_anchors(figure), figure.pixels.shape[1::-1])
    person = (figure.parts.person > 0.5).astype(np.float32)
    changed = (dressed.pixels != figure.pixels).any(axis=2)
    near = dilate(person, max(2, round(_NEAR * figure.unit))) > 0
    worn, given = erode(dressed.alpha, margin), erode(garment.mask, margin)
    shown = dressed.alpha > 0.5
    before = nets.embedder.embed(figure.pixels, figure.face)
    after = nets.embedder.embed(dressed.pixels, figure.face)
    return {
        "lab": apart(dressed.pixels, worn, fitted.pixels, worn),
        "lab of all": apart(dressed.pixels, worn, garment.pixels, given),
        "outside": float((shown & (dilate(person, 3) == 0)).sum() / max(shown.sum(), 1)),
        "left": _left(figure, changed),
        "beyond": int((changed & ~near).sum()),
        "face": int((changed & (figure.parts.face_skin > 0.999)).sum()),
        "similarity": float(before @ after),
        "notes": list(dressed.notes),
    }


def psnr(before: Pixels, after: Pixels, mask: Mask) -> float:
    """Return the peak signal to noise ratio within a mask in dB, 99 for equal pixels."""
    inside = mask > 0.5
    error = float(np.mean((before[inside].astype(float) - after[inside]) ** 2))
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def apart(pixels: Pixels, mask: Mask, given: Pixels, given_mask: Mask) -> float:
    """Return the distance of two means in Lab; NaN where one of them has no inside."""
    inside, there = mask > 0.99, given_mask > 0.99
    if not inside.any() or not there.any():
        return float("nan")
    means = to_lab(pixels)[inside].mean(axis=0), to_lab(given)[there].mean(axis=0)
    return float(np.linalg.norm(means[0] - means[1]))


def _left(figure: Figure, changed: NDArray[np.bool_]) -> float:
    """Return the share of the old clothes that is still seen."""
    clothes = figure.parts.clothes > 0.9
    clothes[: round(figure.chin[1])] = False
    return float((clothes & ~changed).sum() / max(clothes.sum(), 1))
