"""The mesh lies on the face."""

from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.base.records import Face
from facechain_ext.imaging.geometry import rotation, transform_points, warp

EYES, MOUTH = (33, 263), (61, 291)


def test_the_astronauts_eyes_are_where_they_are(mesh):
    assert mesh.shape == (478, 2)
    assert mesh.dtype == np.float32
    np.testing.assert_allclose(mesh[list(EYES)], [(195.6, 100.6), (255.6, 103.7)], atol=0.3)


def test_the_mesh_agrees_with_the_detectors_points(mesh, face):
    points = mesh[[468, 473, 1, *MOUTH]]
    np.testing.assert_allclose(points, face.landmarks, atol=6)


@pytest.mark.parametrize("angle", [-40, 25])
def test_the_mesh_turns_with_the_head(nets, astronaut, face, mesh, angle):
    matrix = rotation(face.center, angle)
    turned = warp(astronaut, matrix, (512, 512))
    (found,) = nets.detector.detect(turned)
    again = nets.landmarker.locate(turned, found)
    error = np.linalg.norm(again - transform_points(mesh, matrix), axis=1)
    assert error.mean() < 2.5


def test_presence_tells_a_face_from_a_wall(nets, astronaut, face):
    assert nets.landmarker.presence(astronaut, face) > 0.99
    elsewhere = Face((20, 300, 120, 400), face.landmarks + (-150, 240), 0.9)
    assert nets.landmarker.presence(astronaut, elsewhere) < 0.5
