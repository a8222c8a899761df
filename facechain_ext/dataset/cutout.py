"""Head and shoulders cut out of a photo: one transform, one resampling."""

from __future__ import annotations

from dataclasses import dataclass

from facechain_ext.base.records import Face, Mask, Pixels, Points
from facechain_ext.dataset.background import PLAIN
from facechain_ext.dataset.framing import frame, moved, window
from facechain_ext.imaging.geometry import Matrix, transform_points, warp
from facechain_ext.imaging.masks import face_oval, polygon
from facechain_ext.imaging.sharpness import sharpness
from facechain_ext.nets import Landmarker

_CHIP = 48


@dataclass(frozen=True, eq=False)
class Cutout:
    """An upright square picture (S, S) of a person, still with its own background.

    matrix: from the photo. valid: where the photo is. oval: the face without ears and hair.
    face, landmarks (478, 2): in this picture's coordinates.
    """

    matrix: Matrix
    pixels: Pixels
    valid: Mask
    oval: Mask
    face: Face
    landmarks: Points


def cut_out(pixels: Pixels, face: Face, landmarker: Landmarker, *, size: int) -> Cutout:
    """Cut a person out of a photo; the face is given in the photo's coordinates."""
    height, width = pixels.shape[:2]
    matrix = frame(face, photo=(height, width), size=size)
    picture = warp(pixels, matrix, (size, size), fill=PLAIN, interpolation="cubic")
    framed = moved(face, matrix)
    landmarks = landmarker.locate(picture, framed)
    return Cutout(
        matrix=matrix,
        pixels=picture,
        valid=_shown((height, width), matrix, size),
        oval=face_oval(landmarks, (size, size)),
        face=framed,
        landmarks=landmarks,
    )


def face_sharpness(cutout: Cutout) -> float:
    """Return the sharpness of the face alone at 48 px, whatever its size in the photo."""
    matrix = window(cutout.face, share=1.1, center=(0.5, 0.5), size=_CHIP)
    return sharpness(warp(cutout.pixels, matrix, (_CHIP, _CHIP)))


def _shown(photo: tuple[int, int], matrix: Matrix, size: int) -> Mask:
    """Fill the outline of the photo (height, width)."""
    bottom, right = photo[0] - 1, photo[1] - 1
    corners = transform_points([(0, 0), (right, 0), (right, bottom), (0, bottom)], matrix)
    return polygon(corners, (size, size))
