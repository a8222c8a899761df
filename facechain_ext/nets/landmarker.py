"""MediaPipe's face mesh: 478 points on a face (Kartynnik et al. 2019; Grishchenko et al. 2020)."""

from __future__ import annotations

import math

import numpy as np

from facechain_ext.base.records import Face, Pixels, Points
from facechain_ext.imaging.geometry import (
    Matrix,
    crop_matrix,
    invert,
    roll_angle,
    rotation,
    transform_points,
    warp,
)
from facechain_ext.nets.network import Network, to_blob

_SIDE = 256
_MARGIN = 1.5
_EYE_CORNERS = [33, 263]


class Landmarker:
    """Places the mesh."""

    def __init__(self) -> None:
        self._network = Network("face_landmarks_detector.onnx")

    def locate(self, pixels: Pixels, face: Face) -> Points:
        """Return the mesh in picture coordinates, (478, 2); 468 to 477 are the irises."""
        return self.measure(pixels, face)[0]

    def presence(self, pixels: Pixels, face: Face) -> float:
        """Return how sure the net is to see a face, 0..1."""
        return self.measure(pixels, face)[1]

    def measure(self, pixels: Pixels, face: Face) -> tuple[Points, float]:
        """Return the mesh and how sure the net is to see a face, 0..1.

        Looks twice: the first mesh says how the face is tilted and how large it is.
        """
        mesh, presence = self._look_twice(pixels, face)
        return mesh[:, :2], presence

    def solid(self, pixels: Pixels, face: Face) -> Points:
        """Return the mesh with its depth, (478, 3), all in pixels; what is nearer has less."""
        return self._look_twice(pixels, face)[0]

    def _look_twice(self, pixels: Pixels, face: Face) -> tuple[Points, float]:
        mesh, _ = self._look(pixels, _around_box(face))
        return self._look(pixels, _around_mesh(mesh[:, :2]))

    def _look(self, pixels: Pixels, matrix: Matrix) -> tuple[Points, float]:
        crop = warp(pixels, matrix, (_SIDE, _SIDE))
        outputs = self._network.run(to_blob(crop, scale=1 / 255))
        mesh = outputs["mesh"].reshape(478, 3)
        presence = 1 / (1 + math.exp(-float(outputs["presence"].reshape(-1)[0])))
        places = transform_points(mesh[:, :2], invert(matrix))
        depth = mesh[:, 2] / math.hypot(*matrix[0, :2])
        return np.column_stack([places, depth]).astype(places.dtype), presence


def _around_box(face: Face) -> Matrix:
    side = _MARGIN * max(face.width, face.height)
    return crop_matrix(face.center, side, size=_SIDE, angle=roll_angle(face.landmarks))


def _around_mesh(mesh: Points) -> Matrix:
    """Cut the square around the mesh, upright by its eyes."""
    angle = roll_angle(mesh[_EYE_CORNERS])
    level = transform_points(mesh, rotation((0, 0), angle))
    low, high = level.min(axis=0), level.max(axis=0)
    (x, y), *_ = transform_points([(low + high) / 2], rotation((0, 0), -angle)).tolist()
    side = _MARGIN * max(1.0, float((high - low).max()))
    return crop_matrix((x, y), side, size=_SIDE, angle=angle)
