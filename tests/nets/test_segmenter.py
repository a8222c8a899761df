"""The matte covers the person and not the room."""

from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.imaging.files import resize


@pytest.fixture(scope="module")
def matte(nets, astronaut, face):
    return nets.segmenter.person(astronaut, face)


def test_a_matte_is_a_mask_of_the_pictures_size(matte, astronaut):
    assert matte.shape == astronaut.shape[:2]
    assert matte.dtype == np.float32
    assert 0 <= matte.min() < matte.max() <= 1


def test_face_hair_and_suit_are_in_and_the_background_is_out(matte, face):
    x1, y1, x2, y2 = map(round, face.box)
    assert matte[y1:y2, x1:x2].mean() > 0.97
    assert matte[25:45, 200:250].mean() > 0.9
    assert matte[250:500, 150:300].mean() > 0.95
    assert matte[20:250, 10:100].mean() < 0.02
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


def test_a_bystander_is_left_out(nets, astronaut):
    scene = np.full((512, 1400, 3), 235, np.uint8)
    scene[:, :430] = astronaut[:, :430]
    scene[:, 900:1330] = astronaut[:, :430]
    first, _ = sorted(nets.detector.detect(scene), key=lambda face: face.center[0])
    both, one = nets.segmenter.person(scene), nets.segmenter.person(scene, first)
    assert both[60:180, 1080:1170].mean() > 0.8
    assert one[60:180, 180:270].mean() > 0.95
    assert one[:, 900:].mean() < 0.05


@pytest.mark.parametrize("shape", [(1, 1, 3), (9, 400, 3), (300, 20, 3)])
def test_odd_shapes_are_taken(nets, shape):
    assert nets.segmenter.person(np.zeros(shape, np.uint8)).shape == shape[:2]
