"""A pose read off a picture, and the condition picture that it leads the drawing by."""

from __future__ import annotations

from facechain_ext.base.controls import Control
from facechain_ext.base.records import Pixels
from facechain_ext.config import PortraitConfig
from facechain_ext.imaging.openpose import DRAWN_SIDE, draw_skeleton
from facechain_ext.imaging.pose_text import read_pose, write_pose
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.skeleton import read_skeleton


def pose_of(picture: Pixels, nets: FaceNets, config: PortraitConfig) -> str:
    """Read the pose off the middle of a picture, cut to the shape of the portraits, as a text.

    Raises InvalidInput unless exactly one person's face is seen there.
    """
    width, height = _shape(config)
    return write_pose(read_skeleton(_cut(picture, width / height), nets))


def pose_controls(config: PortraitConfig) -> tuple[Control, ...]:
    """Draw a config's pose as a control; nothing without one. Raises InvalidInput for no pose."""
    if not config.pose:
        return ()
    width, height = _shape(config)
    scale = DRAWN_SIDE / min(width, height)
    size = round(width * scale), round(height * scale)
    drawn = draw_skeleton(read_pose(config.pose), *size)
    return (Control("pose", drawn, config.pose_strength),)


def _shape(config: PortraitConfig) -> tuple[int, int]:
    """Return the portraits' width and height; square where both are the checkpoint's own."""
    return config.width or config.height or 1, config.height or config.width or 1


def _cut(picture: Pixels, shape: float) -> Pixels:
    """Cut the largest part of a shape, width over height, out of a picture's middle."""
    height, width = picture.shape[:2]
    new_width, new_height = min(width, round(height * shape)), min(height, round(width / shape))
    left, top = (width - new_width) // 2, (height - new_height) // 2
    return picture[top : top + new_height, left : left + new_width]
