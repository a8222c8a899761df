"""Faces are found where they are, at any size, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.imaging.files import read_photo, resize
from facechain_ext.imaging.geometry import roll_angle, rotation, transform_points, warp
from facechain_ext.nets.detector import Detector
from facechain_ext.nets.landmarker import Landmarker


def test_the_astronaut_has_one_face_in_its_place(nets, astronaut):
    (face,) = nets.detector.detect(astronaut)
    assert face.box == pytest.approx((178.0, 62.6, 268.4, 176.4), abs=0.1)
    assert face.score == pytest.approx(0.931, abs=1e-3)
    expected = [(203.5, 101.0), (246.6, 103.3), (223.5, 127.5), (201.3, 141.1), (243.9, 141.6)]
    np.testing.assert_allclose(face.landmarks, expected, atol=4)


def test_yunet_gives_what_opencv_gives(nets, astronaut):
    (face,) = nets.detector.detect_roughly(astronaut)
    expected = [(200.1, 101.8), (247.2, 102.6), (220.3, 124.7), (198.9, 143.2), (239.8, 143.9)]
    np.testing.assert_allclose(face.landmarks, expected, atol=0.1)


@pytest.mark.parametrize("angle", [-40, -20, 20, 40])
def test_the_landmarks_of_a_tilted_head_are_tilted(nets, astronaut, face, angle):
    matrix = rotation(face.center, angle)
    faces = nets.detector.detect(warp(astronaut, matrix, (512, 512)))
    found = max(faces, key=lambda other: other.score)
    np.testing.assert_allclose(found.landmarks, transform_points(face.landmarks, matrix), atol=2)
    assert roll_angle(found.landmarks) == pytest.approx(roll_angle(face.landmarks) - angle, abs=2)


def test_where_the_mesh_sees_no_face_the_first_landmarks_stay(astronaut, monkeypatch):
    landmarker = Landmarker()
    monkeypatch.setattr(landmarker, "measure", lambda pixels, face: (np.zeros((478, 2)), 0.1))
    detector = Detector(landmarker)
    (exact,), (rough,) = detector.detect(astronaut), detector.detect_roughly(astronaut)
    np.testing.assert_array_equal(exact.landmarks, rough.landmarks)


@pytest.mark.parametrize("side", [128, 300, 1000, 2400])
def test_the_box_follows_the_size_of_the_picture(nets, astronaut, face, side):
    (found,) = nets.detector.detect(resize(astronaut, (side, side)))
    np.testing.assert_allclose(np.array(found.box) / side, np.array(face.box) / 512, atol=0.025)


def test_several_faces_come_largest_first(nets, astronaut):
    row = np.zeros((600, 1100, 3), np.uint8)
    row[:512, :512] = astronaut
    row[100:400, 600:900] = resize(astronaut, (300, 300))
    first, second = nets.detector.detect(row)
    assert first.area > 2 * second.area
    assert first.center[0] < 512 < second.center[0]


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 300, 3), (640, 33, 3), (512, 512, 3)])
def test_an_empty_picture_of_any_shape_has_no_face(nets, shape):
    assert nets.detector.detect(np.full(shape, 127, np.uint8)) == []


def test_the_least_score_decides(astronaut):
    assert Detector(min_score=0.95).detect(astronaut) == []
    assert len(Detector(min_score=0.9).detect(astronaut)) == 1


def test_a_face_over_the_border_keeps_its_true_box(nets, astronaut, face):
    cut = np.ascontiguousarray(astronaut[:, 215:])
    (found,) = nets.detector.detect(cut)
    assert found.box[0] < 3
    assert found.box[2] == pytest.approx(face.box[2] - 215, abs=8)


@pytest.mark.people
def test_every_portrait_in_the_collection_has_its_face(nets, people):
    for path in sorted(people.glob("hires/*/*")) + sorted(people.glob("london_ccby/*/*")):
        assert nets.detector.detect(read_photo(path).pixels), path
