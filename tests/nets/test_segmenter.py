"""The matte covers the person and not the room."""

from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.imaging.files import resize
from facechain_ext.imaging.masks import ellipse
from facechain_ext.nets.segmenter import Segmenter


@pytest.fixture(scope="module")
def matte(nets, astronaut, face):
    return nets.segmenter.person(astronaut, face)


def test_a_matte_is_a_mask_of_the_pictures_size(matte, astronaut):
    assert matte.shape == astronaut.shape[:2]
    assert matte.dtype == np.float32
    assert 0 <= matte.min() < matte.max() <= 1


def test_face_hair_and_suit_are_in_and_the_background_is_out(matte, face):
    x1, y1, x2, y2 = map(round, face.box)
    assert matte[y1:y2, x1:x2].mean() > 0.95
    assert matte[25:45, 200:250].mean() > 0.9
    assert matte[250:500, 150:300].mean() > 0.95
    assert matte[20:200, 10:90].mean() < 0.02
    assert matte[40:240, 340:390].mean() < 0.05


def test_without_a_face_the_matte_is_about_the_same(nets, astronaut, matte):
    assert np.abs(nets.segmenter.person(astronaut) - matte).mean() < 0.05


def test_a_large_photo_gives_the_same_matte(nets, astronaut, matte):
    large = resize(astronaut, (2600, 2600))
    again = nets.segmenter.person(large, nets.detector.detect(large)[0])
    assert again.shape == (2600, 2600)
    small = again[2::5, 2::5][:512, :512]
    assert np.abs(small - resize_mask(matte)).mean() < 0.03


def resize_mask(mask):
    grey = np.repeat((mask * 255).astype(np.uint8)[..., None], 3, axis=2)
    return resize(grey, (520, 520))[:512, :512, 0] / 255


def test_the_face_is_in_even_where_the_net_sees_nothing(nets, face):
    wall = np.full((512, 512, 3), 128, np.uint8)
    matte = nets.segmenter.person(wall, face)
    x, y = map(round, face.center)
    assert matte[y, x] == 1
    assert matte[300:, :].mean() < 0.2


def test_a_bystander_is_left_out(nets, face, monkeypatch):
    """The net's answer is drawn here: two people, the second far from the face."""
    subject = ellipse(face.center, (90, 120), (512, 900))
    bystander = ellipse((750, 300), (80, 150), (512, 900))
    evidence = (np.maximum(subject, bystander) * 8 - 4).astype(np.float32)
    monkeypatch.setattr(Segmenter, "_look", lambda self, pixels: evidence)
    monkeypatch.setattr(Segmenter, "_look_closely", lambda self, pixels, seen, face: seen)
    picture = np.full((512, 900, 3), 127, np.uint8)
    picture[evidence > 0] = 30
    both, one = nets.segmenter.person(picture), nets.segmenter.person(picture, face)
    assert both[300, 750] > 0.95
    assert one[:, 600:].max() < 0.05
    np.testing.assert_allclose(one[:, :500], both[:, :500], atol=0.01)


@pytest.mark.parametrize("shape", [(1, 1, 3), (9, 400, 3), (300, 20, 3)])
def test_odd_shapes_are_taken(nets, shape):
    assert nets.segmenter.person(np.zeros(shape, np.uint8)).shape == shape[:2]
