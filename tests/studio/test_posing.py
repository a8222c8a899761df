"""A config's pose as the picture that a ControlNet is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import PortraitConfig
from facechain_ext.imaging.openpose import Skeleton
from facechain_ext.imaging.picture_text import write_picture
from facechain_ext.imaging.pose_text import read_pose, write_pose
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.pose_gallery import named_pose
from facechain_ext.studio.nudging import nudged
from facechain_ext.studio.pose_size import BOX, face_share
from facechain_ext.studio.posing import KINDS, condition_of, controls_of, looking_of


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


@pytest.mark.parametrize("kind", KINDS)
def test_each_strength_is_its_own_kinds_alone(kind: str) -> None:
    grey = write_picture(np.full((64, 64), 128, np.uint8))
    told = {each: a_pose() if each == "pose" else grey for each in KINDS}
    led = controls_of(PortraitConfig(**told, **{f"{kind}_strength": 0.3}))  # type: ignore[arg-type]
    assert {control.kind: control.weight for control in led} == {
        each: 0.3 if each == kind else 1.0 for each in KINDS
    }


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


@pytest.mark.parametrize(
    ("pose", "told"),
    [("far-left", "looking left"), ("right", "looking right"), ("up", ""), ("", None)],
)
def test_a_turned_head_is_said_in_the_words_of_captions(pose: str, told: str | None) -> None:
    assert looking_of(pose) == told


def test_a_pose_without_a_face_says_nothing_of_a_turn() -> None:
    assert looking_of(a_pose()) is None


def scaled(scale: float) -> str:
    pose = named_pose("front")
    assert pose is not None
    return write_pose(pose.moved(0, 0, scale))


@pytest.mark.parametrize(
    ("scale", "told"), [(2.0, r"above 75% are set aside"), (0.15, r"below 15% are set aside")]
)
def test_a_face_that_no_portrait_may_have_is_said_before_anything_is_drawn(
    scale: float, told: str
) -> None:
    pose = scaled(scale)
    with pytest.raises(InvalidInput, match=told):
        controls_of(PortraitConfig(pose=pose))
    assert controls_of(PortraitConfig(pose=pose, min_face_share=0.05, max_face_share=1.0))


def test_in_a_wide_picture_the_shorter_side_counts() -> None:
    pose = scaled(1.5)
    assert controls_of(PortraitConfig(pose=pose))
    with pytest.raises(InvalidInput, match="are set aside"):
        controls_of(PortraitConfig(pose=pose, width=1024, height=512))


@pytest.mark.model
def test_the_pose_of_a_close_up_is_made_to_fit() -> None:
    close = np.ascontiguousarray(astronaut()[60:220, 140:300])
    asked = PortraitConfig()
    text = condition_of("pose", close, FaceNets(), asked)
    wide = condition_of("pose", close, FaceNets(), replace(asked, max_face_share=1.0))
    assert face_share(read_pose(text), (1, 1)) == pytest.approx(0.75 / BOX, abs=0.01)
    assert face_share(read_pose(wide), (1, 1)) > face_share(read_pose(text), (1, 1))
    assert controls_of(replace(asked, pose=text))
