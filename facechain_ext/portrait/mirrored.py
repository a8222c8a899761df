"""A photo seen in a mirror: a head turned to the left for a template that looks to the right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from facechain_ext.base.records import Face, Instance
from facechain_ext.nets import Landmarker

_SWAPPED = [1, 0, 2, 4, 3]
"""Eyes and corners of the mouth change sides."""


def mirrored(instance: Instance, landmarker: Landmarker) -> Instance:
    """Return an instance mirrored, its mesh placed anew."""
    size = instance.pixels.shape[1]
    pixels = np.ascontiguousarray(instance.pixels[:, ::-1])
    face = _mirrored_face(instance.face, size)
    return replace(
        instance,
        pixels=pixels,
        valid=np.ascontiguousarray(instance.valid[:, ::-1]),
        person=np.ascontiguousarray(instance.person[:, ::-1]),
        face_mask=np.ascontiguousarray(instance.face_mask[:, ::-1]),
        face=face,
        landmarks=landmarker.locate(pixels, face),
    )


def _mirrored_face(face: Face, size: int) -> Face:
    x1, y1, x2, y2 = face.box
    points = face.landmarks[_SWAPPED].copy()
    points[:, 0] = size - 1 - points[:, 0]
    return replace(face, box=(size - 1 - x2, y1, size - 1 - x1, y2), landmarks=points)
