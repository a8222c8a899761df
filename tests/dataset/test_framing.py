"""The geometry of framing, for faces and photos of any size."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facechain_ext.base.records import Face
from facechain_ext.dataset.framing import (
    FACE_CENTER,
    FACE_SHARE,
    TIGHTEST_SHARE,
    frame,
    moved,
)
from facechain_ext.imaging.geometry import invert, roll_angle, scale_of, transform_points

SIZE = 512


def face(x: float, y: float, height: float, roll: float = 0.0) -> Face:
    """A face of the usual proportions, its landmarks tilted by `roll` degrees."""
    cos, sin = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    points = np.array([(-0.2, -0.1), (0.2, -0.1), (0, 0.1), (-0.15, 0.3), (0.15, 0.3)]) * height
    landmarks = points @ np.array([[cos, sin], [-sin, cos]]) + (x, y)
    half_width, half_height = 0.38 * height, 0.5 * height
    box = (x - half_width, y - half_height, x + half_width, y + half_height)
    return Face(box, landmarks.astype(np.float32), 0.9)


@given(
    x=st.floats(0, 2000),
    y=st.floats(0, 2000),
    height=st.floats(30, 1500),
    roll=st.floats(-80, 80),
)
def test_every_face_stands_upright_at_its_place(
    x: float, y: float, height: float, roll: float
) -> None:
    subject = face(x, y, height, roll)
    matrix = frame(subject, photo=(2000, 2000), size=SIZE)
    framed = moved(subject, matrix)
    assert abs(roll_angle(framed.landmarks)) < 0.1
    # Pixel centres are counted, so the middle of the picture is half a pixel before size / 2.
    assert framed.center == pytest.approx([c * SIZE - 0.5 for c in FACE_CENTER], abs=0.05)
    assert FACE_SHARE - 1e-4 <= framed.height / SIZE <= TIGHTEST_SHARE + 1e-4


@given(
    x=st.floats(300, 700), y=st.floats(300, 700), height=st.floats(30, 400), roll=st.floats(-45, 45)
)
def test_between_the_limits_the_frame_just_fits_the_photo(
    x: float, y: float, height: float, roll: float
) -> None:
    subject = face(x, y, height, roll)
    matrix = frame(subject, photo=(1000, 1000), size=SIZE)
    share = scale_of(matrix) * height / SIZE
    end = SIZE - 0.5
    corners = [(-0.5, -0.5), (end, -0.5), (-0.5, end), (end, end)]
    reach = transform_points(corners, invert(matrix))
    outside = max(-float(reach.min()), float(reach.max()) - 1000)
    if share < TIGHTEST_SHARE - 1e-3:
        assert outside < 1.5
    if FACE_SHARE + 1e-3 < share < TIGHTEST_SHARE - 1e-3:
        assert outside > -1.5


def test_moving_back_restores_the_face() -> None:
    subject = face(300, 200, 120, roll=20)
    matrix = frame(subject, photo=(600, 600), size=SIZE)
    restored = moved(moved(subject, matrix), invert(matrix))
    assert restored.box == pytest.approx(subject.box, abs=0.01)
    assert np.allclose(restored.landmarks, subject.landmarks, atol=0.01)
