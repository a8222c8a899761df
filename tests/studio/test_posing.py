"""A config's pose as the picture that a ControlNet is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import PortraitConfig
from facechain_ext.imaging.openpose import Skeleton
from facechain_ext.imaging.picture_text import write_picture
from facechain_ext.imaging.pose_text import write_pose
from facechain_ext.studio.nudging import nudged
from facechain_ext.studio.posing import controls_of


def a_pose() -> str:
    body, face = np.full((18, 2), np.nan, np.float32), np.full((70, 2), np.nan, np.float32)
    body[0] = 0.5, 0.25
    return write_pose(Skeleton(body, face))


def test_without_a_pose_nothing_leads() -> None:
    assert controls_of(PortraitConfig()) == ()


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
    (control,) = controls_of(config)
    assert (control.kind, control.weight) == ("pose", 0.7)
    assert control.picture.shape == (*shape, 3)
    ys, xs = np.nonzero(control.picture.any(axis=-1))
    assert abs(ys.mean() / shape[0] - 0.25) < 0.005
    assert abs(xs.mean() / shape[1] - 0.5) < 0.005


def test_a_pose_can_be_named() -> None:
    (left,), (right,) = (controls_of(PortraitConfig(pose=name)) for name in ("left", "RIGHT"))
    assert left.picture.any()
    assert not np.array_equal(left.picture, right.picture)


def test_what_is_no_pose_is_said() -> None:
    with pytest.raises(InvalidInput, match="or 88 points"):
        controls_of(PortraitConfig(pose="a picture"))


def test_every_kind_leads_with_its_own_strength_for_its_time() -> None:
    white = write_picture(np.full((64, 64), 255, np.uint8))
    config = PortraitConfig(
        pose=a_pose(), depth=white, canny=white, soft_edges=white,
        depth_strength=0.5, soft_edges_strength=1.5, control_start=0.1, control_end=0.6,
    )  # fmt: skip
    led = controls_of(config)
    assert [control.kind for control in led] == ["pose", "depth", "canny", "soft_edges"]
    assert [control.weight for control in led] == [1.0, 0.5, 1.0, 1.5]
    assert {(control.start, control.end) for control in led} == {(0.1, 0.6)}


@pytest.mark.parametrize("end", [0.5, 0.2])
def test_no_time_to_lead_is_said_where_something_should(end: float) -> None:
    config = PortraitConfig(control_start=0.5, control_end=end)
    assert controls_of(config) == ()
    with pytest.raises(InvalidInput, match="control_start must be less than control_end"):
        controls_of(replace(config, pose=a_pose()))


def test_a_picture_that_shows_nothing_is_said() -> None:
    black = write_picture(np.zeros((64, 64), np.uint8))
    with pytest.raises(InvalidInput, match="Nothing of the picture that depth is to lead by"):
        controls_of(PortraitConfig(depth=black))
    gone = nudged("pose", a_pose(), 3.0, 0.0)
    with pytest.raises(InvalidInput, match="Nothing of the picture that a pose"):
        controls_of(PortraitConfig(pose=gone))
