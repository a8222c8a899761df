"""Face fusion: a real photo's face, turned, shaped and lit like the one on a picture.

Both faces are warped onto one shape, so that features meet features, and mixed there. Light and
shades come from the picture, detail and proportions from the template photo; hair, hats and all
outside the face oval stay the picture's.
"""

from __future__ import annotations

import cv2
import numpy as np

from facechain_ext.base.records import Instance, Mask, Pixels, Points
from facechain_ext.imaging.color import is_monochrome
from facechain_ext.imaging.masks import FACE_OVAL, Shape
from facechain_ext.portrait import regions
from facechain_ext.portrait.expression import read_expression
from facechain_ext.portrait.head_pose import angle_between, fit_pose
from facechain_ext.portrait.light import (
    Lab,
    degrain,
    grain,
    match_border,
    relight,
    sharpen_like,
    to_lab,
    to_rgb,
)
from facechain_ext.portrait.regions import smoothstep
from facechain_ext.portrait.shape import common_shape
from facechain_ext.portrait.skin import cheeks, skin
from facechain_ext.portrait.spline import Map, backward_map, magnification

# In face heights: changes over more than this are the picture's, in lightness and in colour.
_LIGHT, _TINT = 0.2, 0.08
# Over this distance from the border the template's shades bend to the picture's.
_BORDER = 0.08
# Skin detail below this size may be noise; more of it than this many steps of L is.
_GRAIN, _MOST_GRAIN = 0.015, 1.4
# Detail below this size is the picture's where the template photo is blurred.
_FINE = 0.02

# Of a whole face: the width of its border, and how far over the brows all of it counts, not skin
# alone, down from the first to the second.
_NARROW = 0.02
_BARE_BROWS = (0.06, -0.02)
_LOCKS = 0.16

_OTHER_MOUTH = 0.12
"""Difference of mouth opening from which the picture keeps its own mouth."""

FULL_ANGLE, MOST_ANGLE = 25.0, 45.0
"""Degrees between the two heads: up to the first fully fused, from the second on not at all."""


def fuse(
    picture: Pixels,
    picture_landmarks: Points,
    template: Instance,
    *,
    strength: float,
    whole: bool = False,
) -> Pixels:
    """Blend the template's face into a picture's; return a new picture.

    picture_landmarks: (478, 2). strength: 0 returns the picture unchanged, 1 gives all of the
    template's detail and proportions. whole: with its mouth, and with all that lies over either
    face below the brows, beards and frames too: for a picture of somebody else. Nothing outside the
    face oval changes.
    """
    fused: Pixels = picture.copy()
    strength *= allowed_strength(picture_landmarks, template)
    box = _box(picture_landmarks, picture.shape[:2])
    if strength <= 0 or box is None:
        return fused
    x0, y0, x1, y1 = box
    landmarks = (picture_landmarks - np.array([x0, y0])).astype(np.float32)
    part = picture[y0:y1, x0:x1]
    crop = _fuse_crop(part, landmarks, template, strength=strength, whole=whole)
    if is_monochrome(picture):
        crop = _with_tint_of(picture[y0:y1, x0:x1], crop)
    fused[y0:y1, x0:x1] = crop
    return fused


def allowed_strength(picture_landmarks: Points, template: Instance) -> float:
    """Return the share of any strength, 0..1, that the angle between the two heads permits."""
    angle = angle_between(fit_pose(picture_landmarks), fit_pose(template.landmarks))
    return float(np.clip((MOST_ANGLE - angle) / (MOST_ANGLE - FULL_ANGLE), 0, 1))


def fusion_note(picture_landmarks: Points, template: Instance) -> str | None:
    """Explain in a sentence why a fusion is weakened or left out; None when it is not."""
    allowed = allowed_strength(picture_landmarks, template)
    if allowed >= 1:
        return None
    done = "was left out" if allowed <= 0 else f"was reduced to {allowed:.0%}"
    return f"Face fusion {done}: no photo shows the head turned like this picture."


def _box(landmarks: Points, shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    """Return x0, y0, x1, y1 around the face oval within the picture; None where it is not in it."""
    outline = landmarks[list(FACE_OVAL)]
    x0, y0 = np.maximum(np.floor(outline.min(axis=0)) - 2, 0).astype(int).tolist()
    x1, y1 = np.minimum(np.ceil(outline.max(axis=0)) + 3, shape[::-1]).astype(int).tolist()
    return (x0, y0, x1, y1) if x1 - x0 > 8 and y1 - y0 > 8 else None


def _fuse_crop(
    picture: Pixels, landmarks: Points, template: Instance, *, strength: float, whole: bool
) -> Pixels:
    keeps_mouth = not whole and _keeps_mouth(landmarks, template.landmarks)
    drawn = common_shape(landmarks, template.landmarks, strength=strength, keeps_mouth=keeps_mouth)
    size = (picture.shape[1], picture.shape[0])
    sources = backward_map(drawn, template.landmarks, size)
    theirs = to_lab(_draw(template.pixels, sources))
    mine = to_lab(_draw(picture, backward_map(drawn, landmarks, size)))
    mask = _mask(mine, theirs, drawn, sources, whole=whole)
    mask *= 1 - _kept(landmarks, template.landmarks, drawn, mask.shape, mouth=keeps_mouth)
    lit = _lit(theirs, mine, mask, drawn)
    # Rises fast, so that a usual strength leaves no mixture of two people.
    share = np.float32(strength * (2 - strength))
    before = to_lab(picture)
    mixed = before + mask[..., None] * (mine + share * (lit - mine) - before)
    return np.where(mask[..., None] > 0, to_rgb(mixed), picture)


def _draw(pixels: Pixels, sources: Map) -> Pixels:
    """Draw a picture through a map; shrinks it first where the map would skip pixels."""
    scale = 1 / np.sqrt(max(float(np.median(magnification(sources))), 1e-6))
    if scale < 0.85:
        height, width = pixels.shape[:2]
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
        scaled = (sources + 0.5) * np.divide(size, (width, height)) - 0.5
        sources = scaled.astype(np.float32)
    drawn = cv2.remap(pixels, sources, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(drawn, np.uint8)


def _mask(mine: Lab, theirs: Lab, drawn: Points, sources: Map, *, whole: bool) -> Mask:
    """Select where both faces show skin or features, and the template is not smeared.

    Glasses that the picture has drawn go; those of the template come with it. whole: skin counts
    over the brows alone, and of the template along the outline, where its hair hangs.
    """
    shape = mine.shape[:2]
    inside = regions.inside_face(drawn, shape, border=_NARROW if whole else regions.BORDER)
    radius = 0.03 * regions.face_height(drawn)
    clear = regions.unsmeared(magnification(sources), inside, radius=radius)
    bare, seen = skin(mine, drawn, glasses=True), skin(theirs, drawn)
    if whole:
        low = smoothstep(regions.above_brows(drawn, shape), *_BARE_BROWS)
        within = regions.inside_face(drawn, shape, border=_LOCKS)
        bare, seen = np.maximum(bare, low), np.maximum(seen, low * within)
    return inside * clear * np.minimum(bare, seen)


def _lit(theirs: Lab, mine: Lab, mask: Mask, drawn: Points) -> Lab:
    """Give the template's face the light, the border shades and the sharpness of the picture."""
    height = regions.face_height(drawn)
    lit = relight(theirs, mine, mask, radius=_LIGHT * height, tint_radius=_TINT * height)
    lit = _without_noise(lit, mine, cheeks(drawn, mask.shape), height=height)
    lit = match_border(lit, mine, mask, radius=_BORDER * height)
    return sharpen_like(lit, mine, mask, radius=_FINE * height)


def _without_noise(lit: Lab, mine: Lab, skin: Mask, *, height: float) -> Lab:
    """Smooth a template whose skin is grainier than skin is, and than the picture's."""
    noise = grain(lit, skin, radius=_GRAIN * height)
    if noise <= max(_MOST_GRAIN, grain(mine, skin, radius=_GRAIN * height)):
        return lit
    return degrain(lit, noise, radius=2 * _GRAIN * height)


def _keeps_mouth(picture: Points, template: Points) -> bool:
    mine, theirs = read_expression(picture), read_expression(template)
    return abs(mine.mouth - theirs.mouth) > _OTHER_MOUTH


def _kept(picture: Points, template: Points, drawn: Points, shape: Shape, *, mouth: bool) -> Mask:
    """Select the features whose states differ too much to be mixed."""
    kept = regions.mouth(drawn, shape) if mouth else np.zeros(shape, np.float32)
    if read_expression(template).eyes_closed and not read_expression(picture).eyes_closed:
        kept = np.maximum(kept, regions.eyes(drawn, shape))
    return kept


def _with_tint_of(picture: Pixels, fused: Pixels) -> Pixels:
    """Take lightness from one picture and colour from another; equal pixels stay as they are."""
    lab = to_lab(picture)
    lab[..., 0] = to_lab(fused)[..., 0]
    same = (fused == picture).all(axis=2, keepdims=True)
    return np.where(same, picture, to_rgb(lab))
