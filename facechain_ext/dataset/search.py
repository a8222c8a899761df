"""Faces that the detector misses in a large photo, since it looks at all of it made small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from facechain_ext.base.records import Face, Pixels
from facechain_ext.dataset.levelling import overlap
from facechain_ext.nets import Detector

_SMALLEST_TILE = 1000
"""Pixels; in such a tile the detector sees faces of about 22."""

_STEP = 3 / 4
"""From one tile to the next, in tiles."""

_MOST_TILES = 8
"""In a row: a face that the whole photo or a larger tile hides is smaller than a quarter tile."""

_SURE = 0.8
"""Detector score from which a find is believed: many tiles are many chances to err."""

_SAME = 0.3
"""Overlap (intersection over union) from which two finds are one face."""


def find_faces(pixels: Pixels, detector: Detector) -> list[Face]:
    """Return every face, largest first; where there is none, those that only a close look shows.

    The close look takes about a second for 10 megapixels.
    """
    faces = detector.detect(pixels)
    side = max(pixels.shape[:2])
    while not faces and side > _SMALLEST_TILE:
        side = max(_SMALLEST_TILE, -(-side // _MOST_TILES))
        faces = _in_tiles(pixels, detector, side)
    return faces


def _in_tiles(pixels: Pixels, detector: Detector, side: int) -> list[Face]:
    found = [
        _shifted(face, left, top)
        for left, top in _corners(pixels.shape[1], pixels.shape[0], side)
        for face in detector.detect_roughly(
            np.ascontiguousarray(pixels[top : top + side, left : left + side])
        )
        if face.score >= _SURE
    ]
    kept: list[Face] = []
    for face in sorted(found, key=lambda face: -face.score):
        if all(overlap(face, other) < _SAME for other in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: -face.area)


def _corners(width: int, height: int, side: int) -> Iterator[tuple[int, int]]:
    """Yield the left upper corners of overlapping tiles that cover the picture."""
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield left, top


def _starts(length: int, side: int) -> list[int]:
    last = max(0, length - side)
    return [*range(0, last, round(side * _STEP)), last]


def _shifted(face: Face, right: int, down: int) -> Face:
    x1, y1, x2, y2 = face.box
    points = face.landmarks + np.array([right, down], np.float32)
    return replace(face, box=(x1 + right, y1 + down, x2 + right, y2 + down), landmarks=points)
