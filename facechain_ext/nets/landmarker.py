"""MediaPipe's face mesh: 478 points on a face (Kartynnik et al. 2019; Grishchenko et al. 2020)."""

from __future__ import annotations

import math

from facechain_ext.imaging.geometry import crop_matrix, invert, roll_angle, transform_points, warp
from facechain_ext.nets.network import Network, to_blob
from facechain_ext.records import Face, Pixels, Points

_SIDE = 256
_MARGIN = 1.5


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
        """Return the mesh and how sure the net is to see a face, 0..1."""
        side = max(face.width, face.height) * _MARGIN
        angle = roll_angle(face.landmarks)
        matrix = crop_matrix(face.center, side, size=_SIDE, angle=angle)
        crop = warp(pixels, matrix, (_SIDE, _SIDE))
        outputs = self._network.run(to_blob(crop, scale=1 / 255))
        mesh = outputs["mesh"].reshape(478, 3)[:, :2]
        presence = 1 / (1 + math.exp(-float(outputs["presence"].reshape(-1)[0])))
        return transform_points(mesh, invert(matrix)), presence
