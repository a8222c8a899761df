"""Skin that new clothes show and old ones hid: the wearer's, in the person's own tone and light."""

from __future__ import annotations

import numpy as np

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.masks import dilate, smooth
from facechain_ext.portrait.light import smooth_inside, to_lab, to_rgb
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.fit import Fitted

_LIGHT = 0.3
"""Changes over more than this are light and tone, in face heights."""

_OVER = 0.02
"""How far new skin reaches over the rim of the old clothes, in face heights."""

_SURE = 0.9


def bared(figure: Figure, skin: Mask, covered: Mask, front: Mask) -> Mask:
    """Return where the old clothes come off and the new ones show skin, their rim included."""
    radius = max(1, round(_OVER * figure.unit))
    off = dilate((figure.parts.clothes > 0.5).astype(np.float32), radius) * (skin > 0.5)
    worn = smooth(np.asarray(off, np.float32), 2 * radius)
    bare = worn * (1 - covered) * (1 - front) * (figure.trunk > 0.5)
    return np.asarray(np.where(bare > 0.02, bare, 0), np.float32)


def toned(figure: Figure, fitted: Fitted, bare: Mask) -> Pixels:
    """Return the wearer's skin under the light and in the tone that the person's own has around."""
    own, other = (mask > _SURE for mask in (figure.parts.body_skin, fitted.skin))
    if not (bare > 0).any() or not own.any() or not other.any():
        return figure.pixels
    radius = _LIGHT * figure.unit
    theirs = to_lab(fitted.worn)
    light = smooth_inside(to_lab(figure.pixels), own.astype(np.float32), radius=radius)
    slow = smooth_inside(theirs, other.astype(np.float32), radius=radius)
    return to_rgb(theirs - slow + light)
