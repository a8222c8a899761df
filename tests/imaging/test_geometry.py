"""Transforms obey their laws for any point set, and pictures follow them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facechain_ext.base.errors import InvalidInput
from facechain_ext.imaging import geometry
from facechain_ext.imaging.geometry import Matrix

ANGLES = st.floats(-180, 180)
SCALES = st.floats(0.05, 20)
SHIFTS = st.floats(-1000, 1000)
POINTS = st.lists(st.tuples(SHIFTS, SHIFTS), min_size=3, max_size=12, unique=True).filter(
    lambda points: np.ptp(np.asarray(points), axis=0).max() > 1
)


@st.composite
def similarities(draw: st.DrawFn) -> Matrix:
    angle, scale = math.radians(draw(ANGLES)), draw(SCALES)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    return np.array([[cos, -sin, draw(SHIFTS)], [sin, cos, draw(SHIFTS)]])


@given(POINTS, similarities())
def test_a_similarity_is_recovered_from_the_points_it_moved(points, matrix):
    moved = np.asarray(points) @ matrix[:, :2].T + matrix[:, 2]
    found = geometry.similarity_transform(points, moved)
    np.testing.assert_allclose(found[:, :2], matrix[:, :2], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found[:, 2], matrix[:, 2], atol=1e-3)


@given(POINTS)
def test_a_mirror_image_is_met_without_mirroring(points):
    mirrored = np.asarray(points) * [-1, 1]
    found = geometry.similarity_transform(points, mirrored)
    assert np.linalg.det(found[:, :2]) >= 0


@given(similarities(), POINTS)
def test_invert_leads_back(matrix, points):
    there = np.asarray(points) @ matrix[:, :2].T + matrix[:, 2]
    back = geometry.transform_points(there, geometry.invert(matrix))
    np.testing.assert_allclose(back, np.asarray(points, np.float32), rtol=1e-4, atol=1e-2)


@given(similarities(), similarities(), POINTS)
def test_compose_acts_like_one_after_the_other(first, then, points):
    source = np.asarray(points)
    between = source @ first[:, :2].T + first[:, 2]
    expected = between @ then[:, :2].T + then[:, 2]
    both = geometry.transform_points(points, geometry.compose(first, then))
    np.testing.assert_allclose(both, expected, rtol=1e-5, atol=1e-1)


@given(st.tuples(SHIFTS, SHIFTS), st.floats(1, 2000), st.integers(8, 1024), ANGLES)
def test_a_crop_holds_exactly_its_square(center, side, size, angle):
    matrix = geometry.crop_matrix(center, side, size=size, angle=angle)
    assert geometry.scale_of(matrix) == pytest.approx(size / side)
    middle = geometry.transform_points([center], matrix)[0]
    np.testing.assert_allclose(middle, [(size - 1) / 2] * 2, atol=1e-2)


@given(ANGLES.filter(lambda angle: abs(angle) < 179), st.floats(20, 200))
def test_cropping_by_the_roll_levels_the_eyes(angle, distance):
    radians = math.radians(angle)
    half = np.array([math.cos(radians), math.sin(radians)]) * distance / 2
    face = np.array([-half, half, [0, 0], [0, 0], [0, 0]], np.float32) + 300
    roll = geometry.roll_angle(face)
    assert roll == pytest.approx(angle, abs=1e-2)
    for matrix in (
        geometry.crop_matrix((300, 300), 100, size=256, angle=roll),
        geometry.rotation((300, 300), roll),
    ):
        right, left = geometry.transform_points(face[:2], matrix)
        assert right[1] == pytest.approx(left[1], abs=1e-2)
        assert right[0] < left[0]


@given(st.floats(-1, 1), ANGLES, st.floats(5, 500))
def test_yaw_is_the_nose_between_the_eyes_however_the_head_tilts(yaw, angle, distance):
    face = np.array([[-0.5, 0], [0.5, 0], [yaw / 2, 0.6], [-0.3, 1], [0.3, 1]]) * distance
    turned = geometry.transform_points(face, geometry.rotation((7, 5), angle))
    assert geometry.yaw_ratio(turned) == pytest.approx(yaw, abs=1e-2)


def test_yaw_of_a_profile_is_clipped_and_of_a_single_point_zero():
    face = np.array([[0, 0], [1, 0], [40, 10], [0, 20], [1, 20]], np.float32)
    assert geometry.yaw_ratio(face) == 1
    assert geometry.yaw_ratio(np.zeros((5, 2), np.float32)) == 0


@pytest.mark.parametrize("points", [[(3, 3), (3, 3), (3, 3)], [(1, 2)], [(1, 2, 3), (4, 5, 6)]])
def test_points_that_tell_nothing_are_refused(points):
    with pytest.raises(InvalidInput):
        geometry.similarity_transform(points, points)


def test_the_crop_of_the_whole_square_is_the_picture():
    picture = np.random.default_rng(0).integers(0, 256, (33, 33, 3), np.uint8)
    matrix = geometry.crop_matrix((16, 16), 33, size=33)
    np.testing.assert_array_equal(geometry.warp(picture, matrix, (33, 33)), picture)


@pytest.mark.parametrize("corner", [(0, 0), (63, 0), (0, 63), (63, 63)])
def test_a_crop_over_a_corner_shows_a_quarter_and_the_fill(corner):
    picture = np.full((64, 64, 3), 200, np.uint8)
    matrix = geometry.crop_matrix(corner, 32, size=32)
    filled = geometry.warp(picture, matrix, (32, 32), fill=(10, 20, 30))
    quarter = (slice(16, None) if corner[1] == 0 else slice(0, 16),
               slice(16, None) if corner[0] == 0 else slice(0, 16))  # fmt: skip
    assert (filled[quarter] == 200).all()
    assert (filled == (10, 20, 30)).all(axis=-1).sum() > 700
    assert (geometry.warp(picture, matrix, (32, 32), fill="edge") == 200).all()
    valid = geometry.warp_mask(np.ones((64, 64), np.float32), matrix, (32, 32))
    assert valid.dtype == np.float32
    assert valid[quarter].min() == 1
    assert valid.sum() == pytest.approx(16.5**2, abs=9)


def test_shrinking_averages_instead_of_skipping():
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    matrix = geometry.crop_matrix((255.5, 255.5), 512, size=64)
    small = geometry.warp(stripes, matrix, (64, 64))
    assert small.std() < 2
    assert small.mean() == pytest.approx(127.5, abs=1)


def test_a_point_lands_where_its_pixel_does():
    picture = np.zeros((400, 400, 3), np.uint8)
    picture[198:203, 118:123] = 255
    matrix = geometry.crop_matrix((130, 190), 200, size=50, angle=20)
    mass = geometry.warp(picture, matrix, (50, 50))[..., 0].astype(float)
    y, x = np.mgrid[:50, :50]
    centroid = (x * mass).sum() / mass.sum(), (y * mass).sum() / mass.sum()
    expected = geometry.transform_points([(120, 200)], matrix)[0]
    np.testing.assert_allclose(centroid, expected, atol=0.1)
