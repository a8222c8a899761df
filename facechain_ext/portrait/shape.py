"""The face shape on which two faces meet, so that features lie on features."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Points
from facechain_ext.imaging.masks import FACE_OVAL
from facechain_ext.portrait.expression import INNER_LIPS, OUTER_LIPS
from facechain_ext.portrait.head_pose import repose
from facechain_ext.portrait.regions import face_height, smoothstep

_RIGID_BORDER = 0.1
"""Towards the face oval, over this distance in face heights, the picture keeps its shape."""

_MOUTH_REACH = (0.02, 0.15)
"""A kept mouth is the picture's up to the first distance from the lips, in face heights."""


def common_shape(
    picture: Points, template: Points, *, strength: float, keeps_mouth: bool
) -> Points:
    """Place the 478 points where both faces will be drawn, in picture coordinates.

    In the middle of the face: the template's own proportions, turned to the picture's pose. Along
    the oval: the picture's, so that the face still fits its head.
    """
    share = strength * smoothstep(_depth(picture), 0, _RIGID_BORDER)
    if keeps_mouth:
        share *= smoothstep(_distance_from_lips(picture), *_MOUTH_REACH)
    moved = repose(template, picture)
    return np.asarray(picture + share[:, None] * (moved - picture), np.float32)


def _depth(landmarks: Points) -> NDArray[np.float32]:
    """Return how deep each point lies inside the face oval, in face heights."""
    outline = landmarks[list(FACE_OVAL)].astype(np.float32)
    depth = [cv2.pointPolygonTest(outline, (x, y), True) for x, y in landmarks.tolist()]
    return np.asarray(np.divide(depth, face_height(landmarks)), np.float32)


def _distance_from_lips(landmarks: Points) -> NDArray[np.float32]:
    apart = landmarks[:, None] - landmarks[[*OUTER_LIPS, *INNER_LIPS]][None]
    nearest = np.hypot(apart[..., 0], apart[..., 1]).min(axis=1)
    return np.asarray(nearest / face_height(landmarks), np.float32)
