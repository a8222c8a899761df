"""Poses by name are what they are called."""

from __future__ import annotations

import math

import numpy as np
import pytest

from facechain_ext.config import PortraitConfig
from facechain_ext.config.setting import settings_of
from facechain_ext.imaging.openpose import Skeleton
from facechain_ext.portrait.pose_gallery import MIDDLE, TURNS, named_pose

NOSE, RIGHT_EYE, LEFT_EYE, RIGHT_EAR, LEFT_EAR = 0, 14, 15, 16, 17
PAIRS = [("left", "right"), ("far-left", "far-right"), ("tilted-left", "tilted-right")]


def pose(name: str) -> Skeleton:
    found = named_pose(name)
    assert found is not None
    return found


def aside(name: str) -> float:
    """How far the nose is to the right of the middle between the eyes, in their distance."""
    body = pose(name).body
    middle, apart = body[[RIGHT_EYE, LEFT_EYE]].mean(axis=0), body[LEFT_EYE] - body[RIGHT_EYE]
    return float((body[NOSE] - middle)[0] / np.linalg.norm(apart))


def below(name: str) -> float:
    """How far the nose is below the eyes, as a share of the picture."""
    body = pose(name).body
    return float(body[NOSE, 1] - body[[RIGHT_EYE, LEFT_EYE], 1].mean())


@pytest.mark.parametrize("name", TURNS)
def test_every_face_is_in_the_middle_and_in_the_picture(name: str) -> None:
    face = pose(name).face
    assert np.isfinite(face).all()
    assert np.abs(face - 0.5).max() < 0.4
    assert np.abs(face.mean(axis=0) - MIDDLE).max() < 0.06
    assert name in settings_of(PortraitConfig)["pose"].help


def test_heads_turn_nod_and_tilt_to_where_they_are_said_to() -> None:
    order = ["far-left", "left", "front", "right", "far-right"]
    assert [*map(aside, order)] == sorted(map(aside, order))
    assert aside("front") == pytest.approx(0, abs=0.01)
    assert below("up") < below("front") < below("down")
    right, left = pose("tilted-right").body[[RIGHT_EYE, LEFT_EYE]]
    assert math.degrees(math.atan2(*(left - right)[::-1])) == pytest.approx(12, abs=0.5)


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_sides_mirror_each_other(left: str, right: str) -> None:
    mirrored = pose(left).mirrored()
    assert np.allclose(mirrored.body, pose(right).body, atol=0.005, equal_nan=True)


def test_a_head_turned_far_hides_an_ear() -> None:
    assert np.isnan(pose("far-left").body[RIGHT_EAR]).all()
    assert np.isfinite(pose("far-left").body[LEFT_EAR]).all()
    assert np.isnan(pose("far-right").body[LEFT_EAR]).all()
    assert np.isfinite(pose("left").body).sum() == np.isfinite(pose("front").body).sum()


def test_names_are_read_as_people_type_them() -> None:
    assert named_pose(" Left ") is not None
    assert named_pose("sideways") is None
