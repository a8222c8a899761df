"""How a photo is cut: head and shoulders, upright, every person in the same place and size.

The proportions are measured, not chosen: in 1,209 head-and-shoulders portraits of the kind that
the mini checkpoint learned from, the face (YuNet's box, longer side) fills .46 / .49 / .57 of a
colour picture's side (quartiles) and has its middle at x .50, y .46. Training draws its crops from
that range (`crops`); the instance picture is a little wider, so that they fit inside it. FaceChain
frames .30 wide and trains on .35 to .45, its middle at y .43.
"""

from __future__ import annotations

import math
from itertools import product

from facechain_ext.base.records import Face
from facechain_ext.imaging.geometry import (
    Matrix,
    crop_matrix,
    roll_angle,
    scale_of,
    transform_points,
)

FACE_SHARE = 0.44
"""Longer side of the face box over the side of the instance picture, where the photo allows."""

TIGHTEST_SHARE = 0.56
"""The same in photos that show less around the head: better tight than with a flat border."""

FACE_CENTER = (0.5, 0.46)
"""Where the middle of the face box lies in the instance picture, in sides."""


def frame(face: Face, *, photo: tuple[int, int], size: int) -> Matrix:
    """Map a photo onto the upright picture (size, size) of head and shoulders around a face.

    photo: its height and width, as in array.shape[:2].
    """
    share = max(face.width, face.height) / max(_room(face, photo), 1e-6)
    share = min(max(share, FACE_SHARE), TIGHTEST_SHARE)
    return window(face, share=share, center=FACE_CENTER, size=size)


def _room(face: Face, photo: tuple[int, int]) -> float:
    """Return the side of the largest upright square around a face that lies inside the photo."""
    height, width = photo
    x, y = face.center
    angle = roll_angle(face.landmarks)
    sides = []
    for right, down in product(
        (-FACE_CENTER[0], 1 - FACE_CENTER[0]), (-FACE_CENTER[1], 1 - FACE_CENTER[1])
    ):
        across, along = beside((0, 0), angle, right, down)
        sides.append((width - x if across > 0 else x) / max(abs(across), 1e-6))
        sides.append((height - y if along > 0 else y) / max(abs(along), 1e-6))
    return max(0.0, min(sides))


def window(face: Face, *, share: float, center: tuple[float, float], size: int) -> Matrix:
    """Map onto a square, levelled by the eyes, that the face fills by `share` at `center`."""
    side = max(face.width, face.height) / share
    angle = roll_angle(face.landmarks)
    middle = beside(face.center, angle, side * (0.5 - center[0]), side * (0.5 - center[1]))
    return crop_matrix(middle, side, size=size, angle=angle)


def beside(
    point: tuple[float, float], angle: float, right: float, down: float
) -> tuple[float, float]:
    """Walk from a point along the axes of a picture tilted by `angle` degrees."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return point[0] + right * cos - down * sin, point[1] + right * sin + down * cos


def moved(face: Face, matrix: Matrix) -> Face:
    """Carry a face through a transform; its box keeps its proportions and stays upright."""
    scale = scale_of(matrix)
    x, y = transform_points([face.center], matrix)[0].tolist()
    half_width, half_height = face.width * scale / 2, face.height * scale / 2
    box = (x - half_width, y - half_height, x + half_width, y + half_height)
    return Face(box, transform_points(face.landmarks, matrix), face.score)
