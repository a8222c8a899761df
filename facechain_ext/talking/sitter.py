"""Who is to speak: the face of a portrait, found and measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facechain_ext.base.errors import InvalidInput, NoFaceFound
from facechain_ext.base.records import Face, Mask, Pixels, Points
from facechain_ext.imaging.files import resize
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.expression import read_expression
from facechain_ext.portrait.head_pose import fit_pose
from facechain_ext.talking.face_frame import FaceFrame

LEAST_FACE = 96
MOST_YAW, MOST_PITCH = 28.0, 25.0
"""Degrees beyond which a warp would tear the far side of the mouth."""
LONG_SIDE, SHORT_SIDE = 1920, 1080
_CLEARLY_LARGER = 2.0


@dataclass(frozen=True, eq=False)
class Sitter:
    """pixels: the portrait, no larger than a video of 1080 lines, its sides even.

    mesh: (478, 2). person: the matte of who sits there. eyes_closed: no lids can be drawn then.
    """

    pixels: Pixels
    mesh: Points
    person: Mask
    eyes_closed: bool

    @property
    def frame(self) -> FaceFrame:
        return FaceFrame(self.mesh)


def find_sitter(pixels: Pixels, nets: FaceNets, which: int = 0) -> Sitter:
    """Find the face that is to speak; which: its number from the left, 0 for the only one.

    Raises NoFaceFound, and InvalidInput for several faces, small ones and side views.
    """
    pixels = _fitted(pixels)
    face = _chosen(nets.detector.detect(pixels), which)
    if min(face.width, face.height) < 0.9 * LEAST_FACE:
        raise InvalidInput(
            f"The face is {round(min(face.width, face.height))} pixels wide; a face that speaks "
            f"needs {LEAST_FACE}. Take a larger or closer portrait."
        )
    mesh, presence = nets.landmarker.measure(pixels, face)
    if presence < 0.5:
        raise NoFaceFound("No face can be made out clearly enough to let it speak.")
    _check_pose(mesh)
    person = nets.segmenter.person(pixels, face)
    return Sitter(pixels, mesh, person, read_expression(mesh).eyes_closed)


def _fitted(pixels: Pixels) -> Pixels:
    """Shrink what is too large for a video, and make both sides even as videos need them."""
    height, width = pixels.shape[:2]
    scale = min(1.0, LONG_SIDE / max(height, width), SHORT_SIDE / min(height, width))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    fitted = resize(pixels, size)
    return np.ascontiguousarray(fitted[: size[1] // 2 * 2, : size[0] // 2 * 2])


def _chosen(faces: Sequence[Face], which: int) -> Face:
    if not faces:
        raise NoFaceFound("No face was found in the portrait.")
    if which > len(faces):
        raise InvalidInput(f"There is no face {which}: {len(faces)} can be seen in the portrait.")
    if which:
        return sorted(faces, key=lambda face: face.center)[which - 1]
    first, *others = faces
    if others and others[0].area * _CLEARLY_LARGER > first.area:
        raise InvalidInput(
            f"There are {len(faces)} faces in the portrait: say which one is to speak, counted "
            "from the left (--face 1, --face 2 ...)."
        )
    return first


def _check_pose(mesh: Points) -> None:
    pose = fit_pose(mesh)
    if abs(pose.yaw) > MOST_YAW or abs(pose.pitch) > MOST_PITCH:
        raise InvalidInput(
            f"The head is turned too far ({abs(pose.yaw):.0f} degrees aside, {abs(pose.pitch):.0f} "
            "up or down); a portrait that looks towards you can speak."
        )
