"""Who a picture shows: one person with face, body, and where hair, skin and clothes are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from facechain_ext.base.errors import InvalidInput, NoFaceFound
from facechain_ext.base.records import Face, Mask, Photo, Pixels, Points
from facechain_ext.dataset.levelling import refine
from facechain_ext.dataset.search import find_faces
from facechain_ext.nets import FaceNets
from facechain_ext.nets.movenet import BodyPoints
from facechain_ext.nets.parts import Parts
from facechain_ext.portrait.regions import face_height

_ALSO_THERE = 0.25
"""Area of a second face, over that of the first, from which on it is a second person's."""

_LEAST_TORSO = 0.35
"""Clothes and skin below the chin, in squared face heights, that make a torso."""

_FOUND = 0.6
"""Share of what must be clothes from which on the net has found them."""

_CHIN = 152

_HIPS, _SURE = (11, 12), 0.35
"""Joints by their numbers, and how sure the net has to be of them."""

_TO_KNEES, _TO_FEET = 7.0, 11.0
"""How far below the middle of a face a body is looked for, in longer sides of the face."""


@dataclass(frozen=True, eq=False)
class Figure:
    """One person in a picture. mesh: (478, 2). body: sure of little in close-ups.

    stance: the same body, looked at down to the feet. matte: what is the person at all.
    """

    name: str
    pixels: Pixels
    face: Face
    mesh: Points
    parts: Parts
    body: BodyPoints
    stance: BodyPoints
    matte: Mask

    @property
    def unit(self) -> float:
        """The face's height in pixels, by which bodies are measured."""
        return face_height(self.mesh)

    @property
    def chin(self) -> tuple[float, float]:
        x, y = self.mesh[_CHIN].tolist()
        return x, y

    @property
    def hips(self) -> tuple[float, float] | None:
        """The point between the hips, None where they are not seen."""
        if self.body.scores[list(_HIPS)].min() < _SURE:
            return None
        x, y = self.body.points[list(_HIPS)].mean(axis=0).tolist()
        return (x, y) if self.chin[1] + self.unit < y < len(self.pixels) else None

    @property
    def trunk(self) -> Mask:
        """Everything below the chin that is clothes or skin, or is held before them."""
        parts = self.parts
        whole = np.clip(parts.clothes + parts.body_skin + parts.other, 0, 1)
        whole[: max(0, round(self.chin[1]))] = 0
        return np.asarray(whole, np.float32)

    @property
    def cloth(self) -> Mask:
        """Clothes, and what else is the person: plain black ones are missed by the net of parts."""
        parts = self.parts
        known = parts.hair + parts.body_skin + parts.face_skin + parts.other
        return np.asarray(np.maximum(parts.clothes, np.clip(self.matte - known, 0, 1)), np.float32)


def read_figure(photo: Photo, nets: FaceNets) -> Figure:
    """Find the one person of a photo.

    Raises NoFaceFound where nobody is, InvalidInput for several people and without a torso.
    """
    faces = find_faces(photo.pixels, nets.detector)
    if not faces:
        raise NoFaceFound(
            f"No face was found in {photo.name}. Choose a photo of one person from the front."
        )
    count = sum(face.area >= _ALSO_THERE * faces[0].area for face in faces)
    if count > 1:
        raise InvalidInput(
            f"{photo.name} shows {count} people. Choose a photo of one, or cut one out of it."
        )
    figure = _measured(photo, faces[0], nets)
    if figure.trunk.sum() < _LEAST_TORSO * figure.unit**2:
        raise InvalidInput(
            f"{photo.name} shows no torso: it ends at the neck. Choose a photo with shoulders."
        )
    return figure


def _measured(photo: Photo, face: Face, nets: FaceNets) -> Figure:
    pixels = photo.pixels
    exact = refine(pixels, face, nets.detector)
    mesh = nets.landmarker.locate(pixels, exact)
    matte = nets.segmenter.person(pixels, exact)
    parts = _whole(nets.parts.read(pixels, exact), matte, mesh)
    body, stance = (_body(pixels, exact, nets, below) for below in (_TO_KNEES, _TO_FEET))
    return Figure(photo.name, pixels, exact, mesh, parts, body, stance, matte)


def _whole(parts: Parts, matte: Mask, mesh: Points) -> Parts:
    """Take what else is the person below the chin for clothes, where next to none were found.

    Plain black and some patterns are background to the net that tells parts apart; where it has
    found clothes, it is the better judge of what is only held.
    """
    below = np.zeros_like(matte)
    below[round(float(mesh[_CHIN, 1])) :] = 1
    known = parts.hair + parts.body_skin + parts.face_skin + parts.other
    expected = np.clip(matte - known, 0, 1) * below
    if (parts.clothes * below).sum() > _FOUND * expected.sum():
        return parts
    return replace(parts, clothes=np.maximum(parts.clothes, expected))


def _body(pixels: Pixels, face: Face, nets: FaceNets, below: float) -> BodyPoints:
    """Find the body in the square around it: MoveNet takes the one nearest to the middle."""
    side = max(face.width, face.height)
    x, y = face.center
    left, right = (int(np.clip(x + way * 4 * side, 0, pixels.shape[1])) for way in (-1, 1))
    top, bottom = (int(np.clip(y + way * side, 0, len(pixels))) for way in (-1.6, below))
    part = np.ascontiguousarray(pixels[top:bottom, left:right])
    points, scores = nets.movenet.locate(part)
    return BodyPoints(points + np.array([left, top], np.float32), scores)
