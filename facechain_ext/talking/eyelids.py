"""Lids that close: the skin above the eye is drawn down over it, and its lashes with it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Pixels, Points
from facechain_ext.portrait.regions import smoothstep
from facechain_ext.talking.face_frame import Field
from facechain_ext.talking.grids import Box, Grid, boxed

_EYES = (
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133),
     (46, 53, 52, 65, 55)),
    ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263),
     (285, 295, 282, 283, 276)),
)  # fmt: skip
"""Upper edge, lower edge and the brow above, from the left of the picture to its right."""
_CLOSED_AT = 0.9
"""Where closed lids meet, from the upper edge of the open eye to the lower."""
_LASHES, _LASH_DARK = 0.09, 0.8
_SKIN = 0.22
"""What of the open eye's height above its edge is lashes and shadow rather than skin."""
_BLUR = (0.18, 0.07)
"""How far stretched skin is blurred across and down, of the open eye's height: lashes in it would
become stripes."""
_SHADE = 0.8
"""How dark a lid may be, of the skin below the eye: what is darker above deep-set eyes is brow and
shadow, and would close them with a hole."""
_LEVELS = 6

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Eyelid:
    """One eye's pictures from open to closed, and where in the portrait they go."""

    box: Box
    states: tuple[Pixels, ...]

    def at(self, closed: float) -> Pixels:
        """Return the eye so far closed, 0..1."""
        state: Pixels = self.states[round(min(max(closed, 0.0), 1.0) * (len(self.states) - 1))]
        return state


def find_eyelids(pixels: Pixels, mesh: Points) -> tuple[Eyelid, ...]:
    """Draw both eyes of a portrait in every state."""
    return tuple(_eyelid(pixels, mesh, *eye) for eye in _EYES)


def close_eyes(pixels: Pixels, eyelids: tuple[Eyelid, ...], closed: float) -> Pixels:
    """Return the portrait with its lids so far down, 0 open .. 1 closed."""
    if closed <= 0:
        return pixels
    drawn: Pixels = pixels.copy()
    for lid in eyelids:
        x1, y1, x2, y2 = lid.box
        drawn[y1:y2, x1:x2] = lid.at(closed)
    return drawn


@dataclass(frozen=True, eq=False)
class _Eye:
    """Places of a box by the eye's own axes: across -1..1 between the corners, down in pixels."""

    grid: Grid
    down: Values
    side: Values
    top: Values
    bottom: Values
    brow: Values
    height: float
    axis: Values


def _eyelid(
    pixels: Pixels,
    mesh: Points,
    upper: tuple[int, ...],
    lower: tuple[int, ...],
    brow: tuple[int, ...],
) -> Eyelid:
    eye = _measure(mesh, upper, lower, brow, (pixels.shape[0], pixels.shape[1]))
    lash, below = _lash_colour(pixels, mesh, upper, eye), _skin_below(pixels, eye)
    levels = np.linspace(0, 1, _LEVELS)
    x1, y1, x2, y2 = eye.grid.box
    shown = pixels[y1:y2, x1:x2].copy()
    states = tuple(_drawn(pixels, shown, eye, lash, below, float(level)) for level in levels[1:])
    return Eyelid(eye.grid.box, (shown, *states))


def _measure(
    mesh: Points,
    upper: tuple[int, ...],
    lower: tuple[int, ...],
    brow: tuple[int, ...],
    shape: tuple[int, int],
) -> _Eye:
    left, right = (mesh[each].astype(np.float64) for each in (upper[0], upper[-1]))
    middle, half = (left + right) / 2, max(1.0, float(np.hypot(*(right - left)) / 2))
    across = (right - left) / (2 * half)
    axis = np.array([-across[1], across[0]])
    corners = [
        middle + side * 1.5 * half * across + down * 1.5 * half * axis
        for side in (-1, 1)
        for down in (-1, 0.8)
    ]
    box = boxed(np.min(corners, axis=0), np.max(corners, axis=0), shape)
    grid = Grid(box, 1)
    apart = grid.pixels.astype(np.float64) - middle
    side, down = apart @ across / half, apart @ axis

    def line(points: tuple[int, ...]) -> Values:
        places = mesh[list(points)].astype(np.float64) - middle
        sides, downs = places @ across / half, places @ axis
        order = np.argsort(sides)
        return np.asarray(np.interp(side, sides[order], downs[order]))

    top, bottom = line(upper), line(lower)
    height = max(1.0, float((bottom - top).max()))
    return _Eye(grid, down, side, top, bottom, line(brow), height, axis)


def _lash_colour(pixels: Pixels, mesh: Points, upper: tuple[int, ...], eye: _Eye) -> Values:
    """Return the dark of the upper lid's edge."""
    height, width = pixels.shape[:2]
    places = np.rint(mesh[list(upper[1:-1])]).astype(int).clip(0, [width - 1, height - 1])
    reach = max(1, round(0.1 * eye.height))
    darkest = [
        min(pixels[max(0, y - reach) : y + reach + 1, x].astype(float).tolist(), key=sum)
        for x, y in places.tolist()
    ]
    return np.asarray(np.median(np.array(darkest), axis=0))


def _skin_below(pixels: Pixels, eye: _Eye) -> Values:
    """Return the colour of the skin under the lower lid."""
    x1, y1, x2, y2 = eye.grid.box
    under = (eye.down - eye.bottom) / eye.height
    there = (np.abs(eye.side) < 0.7) & (under > 0.4) & (under < 1.2)
    near = pixels[y1:y2, x1:x2]
    seen = near[there] if there.any() else near.reshape(-1, 3)
    return np.asarray(np.median(seen, axis=0), np.float64)


def _drawn(
    pixels: Pixels, shown: Pixels, eye: _Eye, lash: Values, below: Values, closed: float
) -> Pixels:
    """Draw the lid down to its edge, soft at the corners, and the line of lashes along it."""
    edge = eye.top + closed * _CLOSED_AT * (eye.bottom - eye.top)
    skin = _lid_skin(pixels, eye, below, edge)
    near = smoothstep(np.abs(eye.side), 1.25, 1.0)
    soft = max(0.7, 0.04 * eye.height)
    cover = smoothstep(eye.down - edge, soft, -soft) * near
    mixed = shown + (skin - shown) * cover[..., None]
    thick = max(0.8, _LASHES * eye.height)
    line = np.exp(-(((eye.down - edge) / thick) ** 2)) * smoothstep(np.abs(eye.side), 1.1, 0.9)
    weight = _LASH_DARK * min(1.0, 3 * closed) * line
    return np.clip(mixed + (lash - mixed) * weight[..., None], 0, 255).astype(np.uint8)


def _lid_skin(pixels: Pixels, eye: _Eye, below: Values, edge: Values) -> NDArray[np.float32]:
    """Stretch the skin between brow and lashes down to the lid's edge, no darker than below it."""
    low = eye.top - _SKIN * eye.height
    high = low - np.clip(0.45 * (low - eye.brow), 0.15 * eye.height, 1.3 * eye.height)
    share = (eye.down - high) / np.maximum(edge - high, 1e-3)
    source = np.where(share > 0, high + share * (low - high), eye.down)
    source = np.minimum(source, low)
    places = eye.grid.pixels + ((source - eye.down)[..., None] * eye.axis).astype(np.float32)
    skin = _read(pixels, places)
    shade = _SHADE * below
    dark = np.clip(2 * (1 - skin.mean(axis=2) / max(1.0, float(shade.mean()))), 0, 1)
    on_lid = smoothstep(share, 0.1, 0.5)
    skin += ((shade - skin) * (dark * on_lid)[..., None]).astype(np.float32)
    across, along = (max(0.6, reach * eye.height) for reach in _BLUR)
    soft = cv2.GaussianBlur(skin, (0, 0), across, sigmaY=along)
    return np.asarray(skin + (soft - skin) * on_lid[..., None], np.float32)


def _read(pixels: Pixels, places: Field) -> NDArray[np.float32]:
    read = cv2.remap(pixels, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(read, np.float32)
