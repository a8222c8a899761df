"""Light and colour in Lab: the detail of one face under the light of another."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask, Pixels

Lab = NDArray[np.float32]
"""CIE Lab, shape (H, W, 3), lightness 0..100."""

Detail = NDArray[np.floating[Any]]
"""Differences in Lab, shape (H, W, channels)."""

_BLUR_SIDE = 96
_MOST_CONTRAST = 1.3
_EXPOSURE = (0.4, 2.0)
_GRAY, _COLOURED = 4.0, 10.0
_SHADE = 12.0
_FADE = 5.0


def to_lab(pixels: Pixels) -> Lab:
    """Convert from RGB."""
    lab: Lab = cv2.cvtColor(pixels.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    return lab


def to_rgb(lab: Lab) -> Pixels:
    """Convert to RGB, clipped to what can be shown."""
    rgb = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    return np.asarray(np.rint(np.clip(rgb, 0, 1) * 255), np.uint8)


def relight(detail: Lab, light: Lab, mask: Mask, *, radius: float, tint_radius: float) -> Lab:
    """Replace the slow changes of `detail` by those of `light`.

    Slow is what a Gaussian of sigma `radius` pixels keeps of lightness, `tint_radius` of a and b.
    Contrast follows exposure, as in the quotient image (Shashua & Riklin-Raviv 2001). Neither it
    nor colourfulness rises much above that of `light`, so a pale picture stays pale. Only what
    lies inside the mask counts, so that no hair bleeds in.
    """
    wanted, present = (smooth_inside(lab, mask, radius=radius)[..., :1] for lab in (light, detail))
    exposure = np.clip(wanted / np.maximum(present, 1), *_EXPOSURE)
    lightness = _capped((detail[..., :1] - present) * exposure, light[..., :1] - wanted, mask)
    tints, own = (smooth_inside(lab, mask, radius=tint_radius)[..., 1:] for lab in (light, detail))
    tint = _capped(detail[..., 1:] - own, light[..., 1:] - tints, mask) * _colourfulness(
        light, mask
    )
    return np.concatenate([wanted + lightness, tints + tint], axis=2).astype(np.float32)


def _colourfulness(lab: Lab, mask: Mask) -> float:
    """Return 0 for a face that is all but gray, 1 for one with a complexion."""
    inside = lab[mask > 0.5][:, 1:]
    chroma = float(np.median(np.hypot(*inside.T))) if len(inside) else 0.0
    return float(np.clip((chroma - _GRAY) / (_COLOURED - _GRAY), 0, 1))


def _capped(detail: Detail, model: Detail, mask: Mask) -> Detail:
    """Weaken detail where it spreads much further than the model's."""
    most = _MOST_CONTRAST * _spread(model, mask)
    return detail * min(1.0, most / max(_spread(detail, mask), 1e-3))


def _spread(detail: Detail, mask: Mask) -> float:
    power = (detail**2).mean(axis=2) * mask
    return float(np.sqrt(power.sum() / max(float(mask.sum()), 1e-6)))


def match_border(inner: Lab, outer: Lab, mask: Mask, *, radius: float) -> Lab:
    """Bend `inner` towards `outer` where the mask is neither 0 nor 1, fading over `radius` pixels.

    What differs by more than a shade, such as hair beside skin, is bent by no more than that.
    """
    border = 4 * mask * (1 - mask)
    step = np.clip(outer - inner, -_SHADE, _SHADE)
    nearness = smooth_inside(np.dstack([border] * 3), np.ones_like(mask), radius=radius)
    fade = np.clip(_FADE * nearness, 0, 1)
    bent = inner + fade * smooth_inside(step, border, radius=radius)
    return np.asarray(bent, np.float32)


def smooth_inside(values: Lab, mask: Mask, *, radius: float) -> Lab:
    """Blur by a Gaussian of sigma `radius` pixels over the inside of a mask only."""
    height, width = mask.shape
    scale = min(1.0, _BLUR_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    weighted = np.dstack([values * mask[..., None], mask])
    small = cv2.resize(weighted, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(
        small, (0, 0), max(radius * scale, 1e-3), borderType=cv2.BORDER_CONSTANT
    )
    small = small[..., :3] / np.maximum(small[..., 3:], 1e-4)
    smooth: Lab = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return smooth


def sharpen_like(blurred: Lab, sharp: Lab, mask: Mask, *, radius: float) -> Lab:
    """Lend fine detail (below about `radius` pixels) where the other face has more of it."""
    own, lent = _fine_detail(blurred, radius=radius), _fine_detail(sharp, radius=radius)
    present, wanted = _spread(own[..., :1], mask), _spread(lent[..., :1], mask)
    share = max(0.0, 1 - present / wanted) if wanted > 0 else 0.0
    return np.asarray(blurred + np.float32(share) * lent, np.float32)


def grain(lab: Lab, region: Mask, *, radius: float) -> float:
    """Return the noise of smooth skin: the usual size of its detail below `radius` pixels, in L."""
    lightness = lab[..., :1]
    detail = np.abs(_fine_detail(lightness, radius=max(radius, 0.8)))[..., 0][region > 0.5]
    # The median of |x| times 1.48 is the standard deviation where x is normal, edges apart.
    return 1.48 * float(np.median(detail)) if detail.size else 0.0


def degrain(lab: Lab, noise: float, *, radius: float) -> Lab:
    """Smooth lightness where it changes by little more than `noise`; edges stay."""
    smooth = cv2.bilateralFilter(
        np.ascontiguousarray(lab[..., 0]), -1, 2.5 * noise, radius, borderType=cv2.BORDER_REFLECT
    )
    return np.dstack([smooth, lab[..., 1:]]).astype(np.float32)


def _fine_detail(lab: Lab, *, radius: float) -> Lab:
    """Return what a Gaussian of sigma `radius` pixels would blur away."""
    blurred = cv2.GaussianBlur(lab, (0, 0), radius, borderType=cv2.BORDER_REFLECT)
    return lab - np.asarray(blurred, np.float32).reshape(lab.shape)
