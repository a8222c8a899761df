"""MoveNet on skimage's astronaut; OpenCV of every version must find the same points."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.errors import InvalidInput
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.skeleton import read_skeleton

pytestmark = pytest.mark.model


# What it finds in skimage's astronaut, in pixels: nose, left eye, right shoulder, left elbow.
FOUND = {0: (221.5, 120.6), 1: (246.2, 100.6), 6: (107.9, 256.5), 7: (321.5, 398.3)}


def test_it_finds_the_same_points_in_every_opencv() -> None:
    body = FaceNets().movenet.locate(astronaut())
    for joint, place in FOUND.items():
        assert np.abs(body.points[joint] - place).max() < 0.5
    assert body.scores[:7].min() > 0.4
    assert body.scores[13:].max() < 0.11, "her knees and feet are not in the picture"


def test_a_picture_of_another_shape_is_padded() -> None:
    wide = np.concatenate([np.zeros((512, 300, 3), np.uint8), astronaut()], axis=1)
    body = FaceNets().movenet.locate(wide)
    assert np.abs(body.points[0] - (300 + 221.5, 120.6)).max() < 6


def test_the_body_lies_on_the_face_and_below_it() -> None:
    nets, picture = FaceNets(), astronaut()
    skeleton = read_skeleton(picture, nets)
    size = picture.shape[0]
    nose, eye = skeleton.body[0] * size, skeleton.body[14] * size
    assert np.abs(nose - skeleton.face[30] * size).max() < 20
    assert np.abs(eye - skeleton.face[68] * size).max() < 20
    assert (skeleton.body[[2, 5], 1] > skeleton.face[8, 1]).all()
    assert skeleton.body[2, 0] < skeleton.body[5, 0]


def test_nobody_a_body_without_a_face_and_several_people_are_said() -> None:
    nets = FaceNets()
    with pytest.raises(InvalidInput, match="shows no face"):
        read_skeleton(np.zeros((200, 200, 3), np.uint8), nets)
    with pytest.raises(InvalidInput, match="shows no face"):
        read_skeleton(astronaut()[260:], nets)  # what is below the shoulders
    three = np.concatenate([astronaut()] * 3, axis=1)
    with pytest.raises(InvalidInput, match="shows 3 people"):
        read_skeleton(three, nets)
