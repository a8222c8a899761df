"""Hair, skin and clothes are told apart, in small pictures of people and in large ones."""

from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.imaging.files import resize

pytestmark = pytest.mark.slow(5)


@pytest.fixture(scope="module")
def parts(nets, astronaut):
    return nets.parts.read(astronaut)


def test_hair_skin_suit_and_background_are_told_apart(parts):
    assert parts.hair[20:40, 200:245].mean() > 0.85
    assert parts.face_skin[110:150, 205:240].mean() > 0.9
    assert parts.clothes[300:480, 120:250].mean() > 0.9
    assert parts.person[20:180, 10:90].mean() < 0.05


def test_masks_are_of_the_pictures_size_and_add_up_to_one(parts, astronaut):
    masks = [parts.hair, parts.body_skin, parts.face_skin, parts.clothes, parts.other]
    for mask in masks:
        assert mask.shape == astronaut.shape[:2]
        assert mask.dtype == np.float32
        assert 0 <= mask.min() <= mask.max() <= 1
    assert np.sum(masks, axis=0).max() <= 1 + 1e-5


def test_a_small_person_is_looked_at_more_closely(nets, astronaut, parts):
    wide = np.full((600, 1800, 3), 210, np.uint8)
    wide[88:, 1200:1712] = astronaut
    (face,) = nets.detector.detect(wide)
    found = nets.parts.read(wide, face).clothes
    same = (found[88:, 1200:1712] > 0.5) == (parts.clothes > 0.5)
    assert same.mean() > 0.93
    assert found[:, :1100].max() < 0.5


def test_a_wall_wears_nothing(nets):
    wall = np.full((300, 200, 3), 128, np.uint8)
    assert nets.parts.read(wall).clothes.mean() < 0.05


def test_a_large_photo_gives_the_same_parts(nets, astronaut, parts):
    found = nets.parts.read(resize(astronaut, (2304, 2304)))
    assert found.clothes.shape == (2304, 2304)
    assert ((found.clothes[4::9, 4::9] > 0.5) == (parts.clothes[::2, ::2] > 0.5)).mean() > 0.95


def test_black_clothes_are_clothes(nets, astronaut, parts):
    suit = (parts.clothes > 0.5)[..., None]
    black = np.where(suit, astronaut * 0.12 + 8, astronaut).astype(np.uint8)
    (face,) = nets.detector.detect(black)
    assert nets.parts.read(black, face).clothes[300:480, 120:250].mean() > 0.8
