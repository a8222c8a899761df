"""Which way up a photo is, told by the face in it."""

from __future__ import annotations

import numpy as np

from facechain_ext.base.records import Face, Pixels
from facechain_ext.imaging.files import resize
from facechain_ext.nets.detector import Detector

_LONG_SIDE = 320


def upright(pixels: Pixels, detector: Detector) -> int:
    """Return how many np.rot90 turns (90 degrees counter-clockwise) bring the faces upright.

    0 where no face is found in any direction.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, _LONG_SIDE / max(height, width))
    small = resize(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))
    scores = [
        _best(detector.detect_roughly(np.ascontiguousarray(np.rot90(small, k)))) for k in range(4)
    ]
    return int(np.argmax(scores))


def _best(faces: list[Face]) -> float:
    return max(map(_uprightness, faces), default=0.0)


def _uprightness(face: Face) -> float:
    """Score x how far the eyes stand above the mouth and the first eye left of the second."""
    right_eye, left_eye, _, right_mouth, left_mouth = face.landmarks.astype(np.float64)
    down = (right_mouth + left_mouth - right_eye - left_eye) / 2
    across = left_eye - right_eye
    size = float(np.hypot(*down)) + 1e-6, float(np.hypot(*across)) + 1e-6
    return face.score * max(0.0, float(down[1]) / size[0]) * max(0.0, float(across[0]) / size[1])
