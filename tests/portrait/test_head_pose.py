"""Where heads point, and turning faces to other poses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facechain_ext.base.records import Instance
from facechain_ext.portrait.head_pose import (
    FRONTAL,
    Pose,
    angle_between,
    fit_pose,
    mean_face,
    repose,
)

DEGREES = st.floats(-40, 40)


def turned(yaw: float, pitch: float, roll: float, *, scale: float = 60.0) -> Pose:
    y, p, r = map(math.radians, (yaw, pitch, roll))
    # The nose points along negative z: positive yaw turns it to the right, positive pitch down.
    around_y = np.array([[math.cos(y), 0, -math.sin(y)], [0, 1, 0], [math.sin(y), 0, math.cos(y)]])
    around_x = np.array([[1, 0, 0], [0, math.cos(p), -math.sin(p)], [0, math.sin(p), math.cos(p)]])
    around_z = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    return Pose(around_z @ around_y @ around_x, scale, np.array([90.0, 110.0]))


def test_the_mean_face_is_a_face() -> None:
    face = mean_face()
    assert face.shape == (478, 3)
    right_eye, left_eye, nose, chin = face[[33, 263, 1, 152]]
    assert left_eye - right_eye == pytest.approx([1, 0, 0], abs=1e-3)
    assert nose[2] < -0.3, "the nose points to the viewer"
    assert abs(chin[0]) < 1e-2
    assert chin[1] > nose[1] > 0


@given(DEGREES, DEGREES, DEGREES, st.floats(5, 500))
def test_a_pose_is_found_again(yaw: float, pitch: float, roll: float, scale: float) -> None:
    pose = turned(yaw, pitch, roll, scale=scale)
    found = fit_pose(pose.project(mean_face()))
    assert found.rotation == pytest.approx(pose.rotation, abs=1e-3)
    assert found.scale == pytest.approx(scale, rel=1e-3)
    assert np.linalg.det(found.rotation) == pytest.approx(1)


@given(st.floats(-60, 60))
def test_yaw_and_pitch_have_signs(angle: float) -> None:
    assert turned(angle, 0, 0).yaw == pytest.approx(angle, abs=1e-6)
    assert turned(0, angle, 0).pitch == pytest.approx(angle, abs=1e-6)
    assert angle_between(turned(angle, 0, 0), FRONTAL) == pytest.approx(abs(angle), abs=1e-4)


def test_roll_does_not_count() -> None:
    assert angle_between(turned(0, 0, 35), FRONTAL) == pytest.approx(0, abs=1e-4)


@given(DEGREES, DEGREES, DEGREES)
def test_points_survive_lifting_and_projecting(yaw: float, pitch: float, roll: float) -> None:
    pose = turned(yaw, pitch, roll)
    points = pose.project(mean_face()) + np.random.default_rng(0).normal(0, 2, (478, 2))
    again = pose.project(pose.lift(points.astype(np.float32)))
    assert again == pytest.approx(points, abs=1e-2)


@given(st.floats(-25, 25), st.floats(-25, 25))
def test_a_face_keeps_its_shape_when_turned(yaw: float, pitch: float) -> None:
    """A face 20 % wider than the mean, seen frontally, is still wider in another pose."""
    wide = mean_face() * np.array([1.2, 1.0, 1.0])
    target = turned(yaw, pitch, 10, scale=40)
    moved = repose(FRONTAL.project(wide * 100), target.project(mean_face()))
    expected = target.project(wide) - target.project(wide).mean(axis=0)
    # The size is fitted, so compare shapes up to it.
    got = moved - moved.mean(axis=0)
    factor = float((got * expected).sum() / (expected**2).sum())
    assert factor == pytest.approx(1, abs=0.12)
    assert got == pytest.approx(factor * expected, abs=3.0)


def test_a_mirrored_photo_turns_the_other_way(template: Instance) -> None:
    pose = fit_pose(template.landmarks)
    mirrored = template.landmarks * np.array([-1, 1], np.float32)
    pairs = ((mean_face() * [-1, 1, 1])[:, None] - mean_face()[None]) ** 2
    other = fit_pose(mirrored[pairs.sum(axis=-1).argmin(axis=0)])
    assert other.yaw == pytest.approx(-pose.yaw, abs=0.5)
    assert abs(pose.yaw) < 20
