"""Teeth: the portrait's own, those of another photo of the same person, painted ones at last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask, Pixels, Points
from facechain_ext.imaging.geometry import (
    Matrix,
    compose,
    similarity_transform,
    transform_points,
    warp,
    warp_mask,
)
from facechain_ext.imaging.masks import feather, polygon
from facechain_ext.portrait.expression import INNER_LIPS
from facechain_ext.portrait.regions import smoothstep
from facechain_ext.talking.face_frame import FaceFrame
from facechain_ext.talking.grids import Grid

_SHOWN = 0.16
"""Height of the hole over half the mouth from which a photo shows teeth."""
_BRIGHT = 0.75
"""Brightness of what shows there, over the skin's, below which it is dark rather than teeth."""
_HANGING = 0.3
"""How much of another photo's teeth hangs below the line where the lips meet."""
_RIGID = (33, 133, 362, 263, 168, 6, 4, 1, 98, 327)
"""Points that speaking does not move: eyes and nose."""
_CHEEKS = (50, 280, 205, 425)
_EYE_WHITES = ((33, 468, 133), (362, 473, 263))


@dataclass(frozen=True, eq=False)
class Teeth:
    """A picture over the box of a grid, and where in it teeth are.

    source: "portrait", "photo" or "painted".
    """

    pixels: Pixels
    mask: Mask
    source: str


@dataclass(frozen=True, eq=False)
class Donor:
    """A photo of the same person with its mesh."""

    pixels: Pixels
    mesh: Points


def find_teeth(
    pixels: Pixels, frame: FaceFrame, grid: Grid, hole: Mask, donors: Iterable[Donor] = ()
) -> Teeth:
    """Take the teeth that the portrait shows, or the best of the donors', or paint some."""
    if shows_teeth(pixels, frame.mesh):
        x1, y1, x2, y2 = grid.box
        return Teeth(pixels[y1:y2, x1:x2], hole, "portrait")
    showing = [donor for donor in donors if shows_teeth(donor.pixels, donor.mesh)]
    if showing:
        best = max(showing, key=lambda donor: _opening(FaceFrame(donor.mesh)))
        return _hung(best, pixels, frame, grid)
    return _painted(pixels, frame, grid)


def shows_teeth(pixels: Pixels, mesh: Points) -> bool:
    """Tell whether a mouth is open and what shows in it is as bright as teeth are."""
    frame = FaceFrame(mesh)
    if _opening(frame) < _SHOWN:
        return False
    inside = polygon(mesh[[*INNER_LIPS]], pixels.shape[:2]) > 0.5
    if inside.sum() < 12:
        return False
    grey = pixels[inside].astype(np.float64).mean(axis=1)
    return bool(np.percentile(grey, 70) > _BRIGHT * _skin(pixels, mesh).mean())


def _opening(frame: FaceFrame) -> float:
    lips = frame.mesh[[13, 14]].astype(np.float64)
    return float((lips[1] - lips[0]) @ frame.down / frame.half_mouth)


def _skin(pixels: Pixels, mesh: Points) -> NDArray[np.float64]:
    """Return the colour of the cheeks."""
    height, width = pixels.shape[:2]
    spots = np.rint(mesh[list(_CHEEKS)]).astype(int)
    colours = [
        pixels[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].reshape(-1, 3)
        for x, y in spots.tolist()
        if 2 <= x < width - 2 and 2 <= y < height - 2
    ]
    return np.median(np.concatenate(colours or [pixels.reshape(-1, 3)]), axis=0)


def _hung(donor: Donor, pixels: Pixels, frame: FaceFrame, grid: Grid) -> Teeth:
    """Bring another photo's teeth to size, place and light of the portrait."""
    matrix = similarity_transform(donor.mesh[list(_RIGID)], frame.mesh[list(_RIGID)])
    hole = transform_points(donor.mesh[[*INNER_LIPS]], matrix)
    matrix = compose(matrix, _shift(_to_hang(hole, frame) - grid.box[:2]))
    outline = donor.mesh[[*INNER_LIPS]]
    shape = donor.pixels.shape[:2]
    soft = 0.04 * FaceFrame(donor.mesh).half_mouth
    mask = feather(polygon(outline, shape) * _toothlike(donor.pixels), soft)
    light = _skin(pixels, frame.mesh) / np.maximum(1, _skin(donor.pixels, donor.mesh))
    drawn = warp(donor.pixels, matrix, grid.size, fill="edge", interpolation="cubic")
    lit = np.clip(drawn * light, 0, 255).astype(np.uint8)
    return Teeth(lit, warp_mask(mask, matrix, grid.size), "photo")


def _toothlike(pixels: Pixels) -> Mask:
    """Tell teeth, which are pale, from lips and tongues, which are red."""
    colour = pixels.astype(np.float32)
    return smoothstep(colour.min(axis=2) / np.maximum(1, colour.max(axis=2)), 0.5, 0.66)


def _to_hang(hole: Points, frame: FaceFrame) -> NDArray[np.float64]:
    """Return by how much a hole must move to hang from the line where the lips meet."""
    places = hole.astype(np.float64) @ frame.down
    top, bottom = float(places.min()), float(places.max())
    wanted = float(frame.mouth @ frame.down) + _HANGING * (bottom - top)
    sideways = float((frame.mouth - hole.mean(axis=0)) @ frame.right)
    return np.asarray((wanted - bottom) * frame.down + sideways * frame.right)


def _shift(by: NDArray[np.float64]) -> Matrix:
    return np.column_stack([np.eye(2), by])


def _painted(pixels: Pixels, frame: FaceFrame, grid: Grid) -> Teeth:
    """Paint a row of teeth in the light of the eyes' whites: a last resort."""
    across, down = np.moveaxis(frame.local(grid.pixels), -1, 0)
    down = down * frame.jaw / frame.half_mouth
    between = np.abs((4.2 * across * (1 + 0.35 * across**2) + 0.5) % 1 - 0.5)
    edge = 0.12 - 0.09 * across**2 - 0.022 * smoothstep(between, 0.2, 0.0)
    mask = smoothstep(down, edge + 0.02, edge - 0.03) * smoothstep(np.abs(across), 0.82, 0.55)
    rounded = (1 - 0.2 * smoothstep(between, 0.14, 0.0)) * (1 - 0.15 * smoothstep(down, 0.0, edge))
    shade = (1 - 0.35 * across**2) * rounded
    colour = _eye_white(pixels, frame)
    painted = np.clip(colour * shade[..., None], 0, 255).astype(np.uint8)
    return Teeth(painted, np.asarray(mask, np.float32), "painted")


def _eye_white(pixels: Pixels, frame: FaceFrame) -> NDArray[np.float64]:
    """Return a tooth's colour: as bright as the eyes' whites, half as coloured as the skin."""
    height, width = pixels.shape[:2]
    spots = [
        0.55 * frame.mesh[corner] + 0.45 * frame.mesh[iris]
        for outer, iris, inner in _EYE_WHITES
        for corner in (outer, inner)
    ]
    places = np.rint(np.array(spots)).astype(int).clip(0, [width - 1, height - 1])
    seen = pixels[places[:, 1], places[:, 0]].astype(np.float64)
    brightest = seen[np.argsort(seen.mean(axis=1))[-2:]].mean(axis=0)
    skin = _skin(pixels, frame.mesh)
    grey = float(np.clip(brightest.mean(), 0.75 * skin.mean(), 1.15 * skin.mean()))
    cast = np.sqrt(skin / max(1.0, float(skin.mean())))
    return np.asarray(0.92 * grey * cast)
