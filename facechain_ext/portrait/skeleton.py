"""A pose read off a picture: the body by MoveNet, the face by the mesh, hands where arms lead.

All as OpenPose's points.
"""

from __future__ import annotations

import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Face, Pixels, Points
from facechain_ext.imaging.openpose import Skeleton, no_hands
from facechain_ext.nets import FaceNets
from facechain_ext.nets.hands import SURE as SURE_HAND
from facechain_ext.nets.hands import Arm, HandReader
from facechain_ext.nets.movenet import BodyPoints

SURE = 0.2
"""Score from which a body point counts as seen."""

_BODY = (0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
"""OpenPose's 18 points among MoveNet's 17; the neck is between the shoulders."""
_SHOULDERS = (5, 6)
_NECK = 1
_ARMS = ((2, 3, 4), (5, 6, 7))
"""Shoulder, elbow and wrist among OpenPose's, the right arm's and the left one's."""

_FACE = (
    *(162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389),
    *(71, 63, 105, 66, 107), *(336, 296, 334, 293, 301),
    *(168, 197, 5, 4), *(75, 97, 2, 326, 305),
    *(33, 160, 158, 133, 153, 144), *(362, 385, 387, 263, 373, 380),
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),
    *(78, 82, 13, 312, 308, 317, 14, 87), *(468, 473),
)  # fmt: skip
"""OpenPose's 70 points among the mesh's 478."""


def read_skeleton(pixels: Pixels, nets: FaceNets) -> Skeleton:
    """Read the pose of the one person in a picture.

    Raises InvalidInput for nobody, several people, or somebody whose face cannot be seen.
    """
    face = the_face(nets.detector.detect(pixels), "pose picture")
    size = np.array([pixels.shape[1], pixels.shape[0]], np.float32)
    mesh = nets.landmarker.locate(pixels, face)
    body = to_body(nets.movenet.locate(pixels), face)
    parts = (body, to_face(mesh), to_hands(pixels, body, nets.hands))
    return Skeleton(*((part / size).astype(np.float32) for part in parts))


def to_body(found: BodyPoints, face: Face) -> Points:
    """Turn MoveNet's points into OpenPose's, (18, 2), NaN where unsure.

    A body whose nose is outside the face is somebody else's, or none: all of it is unsure then.
    """
    points = np.where(found.scores[:, None] >= SURE, found.points, np.nan)
    body = points[list(_BODY)]
    body[_NECK] = points[list(_SHOULDERS)].mean(axis=0)
    if not _is_on(face, found.points[0]):
        body[:] = np.nan
    return np.asarray(body, np.float32)


def to_face(mesh: Points) -> Points:
    """Take OpenPose's 70 points from the mesh's 478."""
    return np.asarray(mesh[list(_FACE)], np.float32)


def to_hands(pixels: Pixels, body: Points, reader: HandReader) -> Points:
    """Read the right hand and the left one, (2, 21, 2), NaN where no arm leads to one."""
    hands = no_hands()
    for side, joints in enumerate(_ARMS):
        arm = Arm(*body[list(joints)])
        if np.isfinite(arm).all():
            found = reader.locate(pixels, arm)
            hands[side] = found.points if found.score >= SURE_HAND else np.nan
    return hands


def _is_on(face: Face, point: Points) -> bool:
    x1, y1, x2, y2 = face.box
    return bool(x1 <= point[0] <= x2 and y1 <= point[1] <= y2)


def the_face(faces: list[Face], called: str) -> Face:
    """Return the one face of a picture; raises InvalidInput, which calls the picture so."""
    if not faces:
        raise InvalidInput(
            f"The {called} shows no face. Choose one of a single person, seen from the front or "
            "from the side, whose face is at least a twentieth of the picture."
        )
    largest = max(faces, key=lambda face: face.area)
    others = [face for face in faces if face is not largest and face.area > largest.area / 4]
    if others:
        raise InvalidInput(
            f"The {called} shows {len(others) + 1} people; choose one of a single person, or "
            "cut it down to one."
        )
    return largest
