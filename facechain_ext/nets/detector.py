"""Faces with exact landmarks: YuNet finds them, the mesh places their five points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from facechain_ext.base.records import Face, Pixels
from facechain_ext.nets.landmarker import Landmarker
from facechain_ext.nets.yunet import YuNet

# The mesh points that lie where YuNet puts its five in upright faces (medians of 341, to 2 % of
# the face): irises, nose tip, inner corners of the mouth.
_FIVE_POINTS = [468, 473, 4, 78, 308]
_LEAST_PRESENCE = 0.5
_FARTHEST = 0.5


class Detector:
    """Finds faces.

    Placing the landmarks by the mesh makes tilted heads level, and recognition surer: the equal
    error rate falls from 0.5 to 0.1 % on 600 photos of LFW, from 2.5 to 0.1 % on 45 press photos.
    """

    def __init__(
        self,
        landmarker: Landmarker | None = None,
        *,
        min_score: float = 0.6,
        long_side: int = 640,
    ) -> None:
        self._yunet = YuNet(min_score=min_score, long_side=long_side)
        self._landmarker = landmarker or Landmarker()

    def detect(self, pixels: Pixels) -> list[Face]:
        """Return every face, largest first; searched at a long side of 640, never enlarged."""
        return [self._placed(pixels, face) for face in self.detect_roughly(pixels)]

    def detect_roughly(self, pixels: Pixels) -> list[Face]:
        """Return every face, largest first, with landmarks that are right for upright faces only.

        Half as long as `detect`.
        """
        return self._yunet.detect(pixels)

    def _placed(self, pixels: Pixels, face: Face) -> Face:
        """Exchange the landmarks, unless the mesh sees no face or has slipped off this one."""
        mesh, presence = self._landmarker.measure(pixels, face)
        points = mesh[_FIVE_POINTS]
        slipped = np.abs(points.mean(axis=0) - face.landmarks.mean(axis=0)).max()
        if presence < _LEAST_PRESENCE or slipped > _FARTHEST * max(face.width, face.height):
            return face
        return replace(face, landmarks=points)
