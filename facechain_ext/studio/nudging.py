"""What leads a drawing, mirrored or moved a little, as the text that it is kept as."""

from __future__ import annotations

import cv2
import numpy as np

from facechain_ext.base.controls import ControlKind
from facechain_ext.base.records import Pixels
from facechain_ext.imaging.picture_text import read_picture, write_picture
from facechain_ext.imaging.pose_text import read_pose, write_pose


def mirrored(kind: ControlKind, text: str) -> str:
    """Swap the picture's sides; raises InvalidInput for what is no pose or picture."""
    if kind == "pose":
        return write_pose(read_pose(text).mirrored())
    return write_picture(np.ascontiguousarray(_gray(read_picture(text, kind))[:, ::-1]))


def nudged(kind: ControlKind, text: str, x: float, y: float, scale: float = 1.0) -> str:
    """Shift by shares of the picture after scaling about its middle; raises as `mirrored`."""
    if kind == "pose":
        return write_pose(read_pose(text).moved(x, y, scale))
    picture = _gray(read_picture(text, kind))
    height, width = picture.shape
    middle = (1 - scale) / 2
    matrix = np.array(
        [[scale, 0, (middle + x) * width], [0, scale, (middle + y) * height]], np.float64
    )
    return write_picture(np.asarray(cv2.warpAffine(picture, matrix, (width, height)), np.uint8))


def _gray(picture: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
