"""The figures of pose control, from poses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.data import astronaut

from bench.control import Asked, errors, picture_of, read, row_of
from facechain_ext.imaging.geometry import warp
from facechain_ext.imaging.openpose import Skeleton
from facechain_ext.nets import FaceNets

SIDE = 192


def test_what_is_drawn_as_asked_has_no_error_and_what_is_moved_has() -> None:
    nets = FaceNets()
    photo = np.ascontiguousarray(astronaut()[:320, 80:400])
    at = [
        read(warp(photo, np.array([[0.6, 0, x], [0, 0.6, 0]], np.float32), (SIDE, SIDE)), nets)
        for x in (0.0, 20.0)
    ]
    (here, there) = (each for each in at if each is not None)
    asked = Asked("a woman", *here)
    assert errors(asked, here)[:5] == [0] * 5
    yaw, pitch, roll, place, size, _ = errors(asked, there)
    height = float(np.ptp(here[1][:, 1]))
    assert place == pytest.approx(20 / height, abs=0.02)
    assert max(yaw, pitch, roll) < 2
    assert size < 0.03


def test_a_row_has_means_and_leaves_out_shoulders_that_nobody_saw() -> None:
    rows = np.array([[1.0, 2, 3, 0.1, 0.2, 0.3], [3.0, 2, 1, 0.3, 0.4, math.nan]])
    assert row_of(rows) == "2 | 2.00 | 2.00 | 2.00 | 0.200 | 0.300 | 0.300 (1)"
    assert row_of(rows[1:]).endswith("none seen")


def test_a_part_of_a_pose_is_drawn_alone() -> None:
    face, body = np.full((70, 2), 0.5, np.float32), np.full((18, 2), 0.2, np.float32)
    pose = Skeleton(body, face)
    assert not picture_of(pose, ("face",))[90:115, 90:115].any()
    assert not picture_of(pose, ("body",))[250:262, 250:262].any()
    assert picture_of(pose, ("body", "face"))[250:262, 250:262].any()
