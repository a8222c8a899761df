"""A face of a template in a level square of its own, and what was made of it put back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facechain_ext.base.records import Face, Mask, Pixels, Points
from facechain_ext.dataset.framing import FACE_CENTER, moved, window
from facechain_ext.imaging.blend import composite
from facechain_ext.imaging.geometry import (
    Matrix,
    compose,
    invert,
    transform_points,
    warp,
    warp_mask,
)
from facechain_ext.nets import Landmarker
from facechain_ext.portrait.head_mask import faces_mask

FACE_SHARE = 0.42
"""Longer side of the face over the side of the square: head and shoulders are in it."""

SIZES = (256, 768)
"""Least and most pixels a side; a larger face is made smaller, and enlarged when put back."""


@dataclass(frozen=True, eq=False)
class Place:
    """The square around a face. matrix: from the template. pixels: (S, S, 3).

    face, landmarks (478, 2): in the square.
    """

    matrix: Matrix
    pixels: Pixels
    face: Face
    landmarks: Points

    @classmethod
    def around(cls, face: Face, template: Pixels, landmarker: Landmarker) -> Place:
        """Cut a face out level; what lies beyond the template mirrors it."""
        side = max(face.width, face.height) / FACE_SHARE
        size = int(np.clip(round(side), *SIZES))
        matrix = window(face, share=FACE_SHARE, center=FACE_CENTER, size=size)
        pixels = warp(template, matrix, (size, size), fill="mirror", interpolation="cubic")
        framed = moved(face, matrix)
        return cls(matrix, pixels, framed, landmarker.locate(pixels, framed))

    @property
    def size(self) -> int:
        return len(self.pixels)

    def points(self, of_template: Points) -> Points:
        """Carry points of the template into the square."""
        return transform_points(of_template, self.matrix)

    def laid(self, pixels: Pixels, alpha: Mask, onto: Pixels, kept: Sequence[Points]) -> Pixels:
        """Return the `box` of a picture of the template's size with the square's pixels in it.

        alpha: (S, S), where they show. kept: meshes in the template, of faces that may not change.
        """
        left, top, right, bottom = self.box(onto.shape)
        back = compose(invert(self.matrix), np.array([[1.0, 0, -left], [0, 1.0, -top]]))
        size = (right - left, bottom - top)
        over = warp(pixels, back, size, fill="edge", interpolation="cubic")
        beside = [mesh - np.array([left, top], np.float32) for mesh in kept]
        share = np.minimum(warp_mask(alpha, back, size), 1 - faces_mask(beside, (size[1], size[0])))
        return composite(over, onto[top:bottom, left:right], share)

    def lay_into(self, whole: Pixels, pixels: Pixels, alpha: Mask, kept: Sequence[Points]) -> None:
        """Change a picture of the template's size; see `laid`."""
        left, top, right, bottom = self.box(whole.shape)
        whole[top:bottom, left:right] = self.laid(pixels, alpha, whole, kept)

    def box(self, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom of what the square reaches in the template."""
        corners = [(0, 0), (self.size, 0), (0, self.size), (self.size, self.size)]
        reached = transform_points(corners, invert(self.matrix))
        left, top = np.maximum(np.floor(reached.min(axis=0)) - 1, 0).astype(int).tolist()
        most = np.minimum(np.ceil(reached.max(axis=0)) + 2, (shape[1], shape[0]))
        right, bottom = most.astype(int).tolist()
        return left, top, right, bottom
