"""Finding a face twice: roughly in the photo, then exactly where it stands upright and large."""

from __future__ import annotations

from facechain_ext.base.records import Face, Pixels
from facechain_ext.dataset.background import PLAIN
from facechain_ext.dataset.framing import FACE_CENTER, FACE_SHARE, moved, window
from facechain_ext.imaging.geometry import invert, warp
from facechain_ext.nets import Detector

_SIDE = 384
_LEAST_OVERLAP = 0.3


def refine(pixels: Pixels, face: Face, detector: Detector) -> Face:
    """Measure a face again in an upright close-up; returned in the photo's coordinates.

    The box of a tilted face is larger than the face, and a small face in a large photo is first
    found only to a few pixels. The new box has the sides that the face has when it is level.
    """
    matrix = window(face, share=FACE_SHARE, center=FACE_CENTER, size=_SIDE)
    expected = moved(face, matrix)
    again = detector.detect(warp(pixels, matrix, (_SIDE, _SIDE), fill=PLAIN))
    best = max(again, key=lambda other: overlap(other, expected), default=expected)
    return moved(best, invert(matrix)) if overlap(best, expected) > _LEAST_OVERLAP else face


def overlap(a: Face, b: Face) -> float:
    """Return the boxes' intersection over union."""
    width = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    height = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / max(a.area + b.area - shared, 1e-6)
