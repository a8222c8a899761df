"""Telling near copies: one photo saved twice or mirrored, or two of the same moment."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Face, Instance, Pixels, Points
from facechain_ext.imaging.geometry import (
    Matrix,
    compose,
    crop_matrix,
    similarity_transform,
    warp,
    warp_mask,
)
from facechain_ext.imaging.masks import FACE_OVAL

COPY_SIMILARITY = 0.85
"""Identity similarity below which two pictures are not compared further."""

COPY_CORRELATION = 0.985
"""Correlation of the aligned faces from which two pictures are near copies.

Photos saved again at JPEG quality 40, halved, cropped, brightened or turned by 2 degrees: 95 % at
.989 or more. 126 pairs of different photos: .980 at most (one sitting, one pose); neutral against
smiling in one studio: .959 at most.
"""

_SIDE = 64

_GRID = 16
"""Pixels; JPEG files are made of blocks whose corners lie on multiples of this."""

_QUALITY = 85

MIRRORED_CORRELATION = 0.95
"""The same for a picture and a mirrored one, which fewer points lay over each other.

47 of 49 mirrored photos saved again are above; 13 pairs of different photos, .875 at most.
"""

_OVAL = len(FACE_OVAL)
_MIRRORED = [0, *range(_OVAL - 1, 0, -1), *(_OVAL + point for point in (1, 0, 2, 4, 3))]
"""Where each of the symmetric points comes to lie in a mirrored picture."""


def are_copies(a: Instance, b: Instance) -> bool:
    """Tell whether two pictures show a face in the same moment, one of them mirrored perhaps."""
    if float(a.embedding @ b.embedding) < COPY_SIMILARITY:
        return False
    if face_correlation(a, b) >= COPY_CORRELATION:
        return True
    return mirrored_correlation(a, b) >= MIRRORED_CORRELATION


def face_detail(pixels: Pixels, face: Face) -> float:
    """Return how much a photo tells of a face, to choose among copies: bytes, saved anew.

    Of 12 photos, copies of half the size took .23 to .39 of it, blurred ones .35 to .75, those
    saved at JPEG quality 30 .39 to .69. Cut along JPEG's own blocks, or their borders would count.
    """
    x1, y1 = (max(0, math.floor(value / _GRID) * _GRID) for value in face.box[:2])
    x2, y2 = (math.ceil(value / _GRID) * _GRID for value in face.box[2:])
    part = np.ascontiguousarray(pixels[y1:y2, x1:x2])
    if not part.size:
        return 0.0
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    return float(len(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]))


def face_correlation(a: Instance, b: Instance) -> float:
    """Return how alike the grey values of two faces are, -1 to 1, whatever brightness or contrast.

    b is laid over a by the face mesh, so framing does not matter; only inside a's oval.
    """
    return _correlation(a, b.pixels, similarity_transform(b.landmarks, a.landmarks))


def mirrored_correlation(a: Instance, b: Instance) -> float:
    """Return the same for b turned left to right, laid over a by outline, eyes, nose and mouth."""
    points = _symmetric_points(b)[_MIRRORED]
    points[:, 0] = b.pixels.shape[1] - 1 - points[:, 0]
    pixels = np.ascontiguousarray(b.pixels[:, ::-1])
    return _correlation(a, pixels, similarity_transform(points, _symmetric_points(a)))


def _symmetric_points(instance: Instance) -> Points:
    oval = instance.landmarks[list(FACE_OVAL)]
    return np.concatenate([oval, instance.face.landmarks])


def _correlation(a: Instance, pixels: Pixels, onto_a: Matrix) -> float:
    onto_chip = crop_matrix(a.face.center, max(a.face.width, a.face.height), size=_SIDE)
    weight = warp_mask(a.face_mask * a.valid, onto_chip, (_SIDE, _SIDE)).astype(np.float64)
    first = _centred(_grey(a.pixels, onto_chip), weight)
    second = _centred(_grey(pixels, compose(onto_a, onto_chip)), weight)
    power = np.sqrt((weight * first**2).sum() * (weight * second**2).sum())
    return float((weight * first * second).sum() / max(power, 1e-9))


def _grey(pixels: Pixels, matrix: Matrix) -> NDArray[np.float64]:
    chip = warp(pixels, matrix, (_SIDE, _SIDE))
    return np.asarray(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), np.float64)


def _centred(values: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    centred: NDArray[np.float64] = values - (values * weight).sum() / max(weight.sum(), 1e-9)
    return centred
