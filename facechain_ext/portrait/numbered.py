"""The faces of a template: found, numbered from left to right, and what can be told of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facechain_ext.base.errors import InvalidInput, NoFaceFound
from facechain_ext.base.records import Attributes, Embedding, Face, Photo, Pixels, Points
from facechain_ext.dataset.levelling import refine
from facechain_ext.dataset.search import find_faces
from facechain_ext.nets import FaceNets

MOST_FACES = 20
"""In one template; more are a crowd, in which nobody is recognised."""

LEAST_WIDTH = 40
"""Pixels from which on a face shows who somebody is."""


@dataclass(frozen=True, eq=False)
class NumberedFace:
    """A face of a template; number counts from 1, from the left. mesh: (478, 2)."""

    number: int
    face: Face
    mesh: Points
    embedding: Embedding
    attributes: Attributes

    @property
    def is_small(self) -> bool:
        return min(self.face.width, self.face.height) < LEAST_WIDTH


def number_faces(template: Photo, nets: FaceNets) -> list[NumberedFace]:
    """Find every face of a template.

    Raises NoFaceFound where there is none, InvalidInput for a crowd.
    """
    pixels = template.pixels
    found = find_faces(pixels, nets.detector)
    if not found:
        raise NoFaceFound(f"No face was found in {template.name}. Choose a picture that shows one.")
    if len(found) > MOST_FACES:
        raise InvalidInput(
            f"{template.name} shows {len(found)} faces; a template may have {MOST_FACES}. "
            "Choose a picture with fewer people, or cut one out of it."
        )
    faces = [refine(pixels, face, nets.detector) for face in found]
    return number_known(template, sorted(faces, key=lambda face: face.center[0]), nets)


def number_known(template: Photo, faces: Sequence[Face], nets: FaceNets) -> list[NumberedFace]:
    """Read what can be told of faces whose places are known, in the order of their numbers."""
    return [_numbered(n, face, template.pixels, nets) for n, face in enumerate(faces, 1)]


def _numbered(number: int, face: Face, pixels: Pixels, nets: FaceNets) -> NumberedFace:
    mesh = nets.landmarker.locate(pixels, face)
    return NumberedFace(
        number,
        face,
        mesh,
        nets.embedder.embed(pixels, face),
        nets.attributes.read(pixels, face, mesh),
    )


def require_room(face: NumberedFace) -> None:
    """Raise InvalidInput for a face that is too small to be anybody's."""
    if face.is_small:
        width = round(min(face.face.width, face.face.height))
        raise InvalidInput(
            f"Face {face.number} is only {width} pixels wide; from {LEAST_WIDTH} on a face can be "
            "exchanged. Use the picture in its full size, or leave this face as it is."
        )
