"""A config's pose as the picture that a ControlNet is shown."""

from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import PortraitConfig
from facechain_ext.imaging.openpose import Skeleton
from facechain_ext.imaging.pose_text import write_pose
from facechain_ext.studio.posing import pose_controls


def a_pose() -> str:
    body, face = np.full((18, 2), np.nan, np.float32), np.full((70, 2), np.nan, np.float32)
    body[0] = 0.5, 0.25
    return write_pose(Skeleton(body, face))


def test_without_a_pose_nothing_leads() -> None:
    assert pose_controls(PortraitConfig()) == ()


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [
        (None, None, (512, 512)),
        (384, 512, (683, 512)),
        (768, 512, (512, 768)),
        (256, None, (512, 512)),
    ],
)
def test_it_is_drawn_in_the_shape_of_the_portraits(
    width: int | None, height: int | None, shape: tuple[int, int]
) -> None:
    config = PortraitConfig(pose=a_pose(), pose_strength=0.7, width=width, height=height)
    (control,) = pose_controls(config)
    assert (control.kind, control.weight) == ("pose", 0.7)
    assert control.picture.shape == (*shape, 3)
    ys, xs = np.nonzero(control.picture.any(axis=-1))
    assert abs(ys.mean() / shape[0] - 0.25) < 0.005
    assert abs(xs.mean() / shape[1] - 0.5) < 0.005


def test_what_is_no_pose_is_said() -> None:
    with pytest.raises(InvalidInput, match="pose must be 88 points"):
        pose_controls(PortraitConfig(pose="a picture"))
