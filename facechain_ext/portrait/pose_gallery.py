"""Poses by name: the mean face turned, above shoulders that face the viewer."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from facechain_ext.base.records import Points
from facechain_ext.imaging.openpose import Skeleton
from facechain_ext.portrait.head_pose import Pose, mean_face
from facechain_ext.portrait.skeleton import to_face

TURNS: Mapping[str, tuple[float, float, float]] = {
    "front": (0, 0, 0),
    "left": (-20, 0, 0),
    "right": (20, 0, 0),
    "far-left": (-35, 0, 0),
    "far-right": (35, 0, 0),
    "up": (0, -15, 0),
    "down": (0, 15, 0),
    "tilted-left": (0, 0, -12),
    "tilted-right": (0, 0, 12),
}
"""Degrees to the right of the picture, downwards, and clockwise."""

HEIGHT, MIDDLE = 0.46, (0.5, 0.44)
"""The face's height and place as shares of the picture, about as in portraits with shoulders."""
_SHOULDERS = ((-0.95, 1.0), (0.95, 1.0))
"""From the face's middle, in heights of the face, which MoveNet sees so in portraits."""
_NECK = (0.0, 0.8, 1.3)
"""What a head turns about, from the face's middle, in eye distances."""
_NOSE, _EYES, _EARS = 4, (468, 473), (234, 454)
_HIDES_AN_EAR = 30.0
_BODY = 18


def named_pose(name: str) -> Skeleton | None:
    """Return a pose of the gallery; None where there is none of this name."""
    found = TURNS.get(name.strip().lower())
    return None if found is None else _turned(*found)


def _turned(yaw: float, pitch: float, roll: float) -> Skeleton:
    solid = mean_face() - mean_face().mean(axis=0) - _NECK
    scale = HEIGHT / float(np.ptp(solid[:, 1]))
    mesh = Pose(_rotation(yaw, pitch, roll), scale, scale * np.array(_NECK[:2])).project(solid)
    moved = mesh.mean(axis=0)
    face = np.asarray(mesh - moved + MIDDLE, np.float32)
    shoulders = np.array(MIDDLE) - moved + np.array(_SHOULDERS) * HEIGHT
    return Skeleton(_body(face, shoulders, yaw), to_face(face))


def _rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Nod, turn, then tilt, in degrees."""
    turns = ((pitch, 0, 0), (0, -yaw, 0), (0, 0, roll))
    nod, turn, tilt = (cv2.Rodrigues(np.radians(np.array(t, float)))[0] for t in turns)
    return np.asarray(tilt @ turn @ nod)


def _body(mesh: Points, shoulders: np.ndarray, yaw: float) -> Points:
    """Return OpenPose's 18 points; the far ear is not seen of a head that is turned."""
    body = np.full((_BODY, 2), np.nan, np.float32)
    body[0], body[[2, 5]], body[1] = mesh[_NOSE], shoulders, shoulders.mean(axis=0)
    body[[14, 15]], body[[16, 17]] = mesh[list(_EYES)], mesh[list(_EARS)]
    if abs(yaw) > _HIDES_AN_EAR:
        body[16 if yaw < 0 else 17] = np.nan
    return body
