"""Which photo gives its face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Instance, Points
from facechain_ext.portrait.head_pose import Pose, mean_face
from facechain_ext.portrait.template import choose_template, choose_template_for


def turned(degrees: float) -> Points:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    around = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    return Pose(around, 150.0, np.array([256.0, 230.0])).project(mean_face())


def with_open_mouth(landmarks: Points) -> Points:
    opened = landmarks.copy()
    opened[[14, 87, 317, 178, 402]] += (0, 40)
    return opened


def with_shut_eyes(landmarks: Points) -> Points:
    shut = landmarks.copy()
    shut[159], shut[386] = shut[145], shut[374]
    return shut


@pytest.fixture
def frontal(template: Instance) -> Instance:
    return replace(template, name="frontal", landmarks=turned(0), quality=0.5)


def test_the_best_photo_is_chosen(frontal: Instance) -> None:
    better = replace(frontal, name="better", quality=0.8)
    assert choose_template([frontal, better]) is better
    assert choose_template([frontal]) is frontal


def test_the_first_wins_a_tie(frontal: Instance) -> None:
    assert choose_template([frontal, replace(frontal, name="same")]) is frontal


def test_a_frontal_photo_beats_a_slightly_better_turned_one(frontal: Instance) -> None:
    aside = replace(frontal, landmarks=turned(30), quality=0.7)
    assert choose_template([aside, frontal]) is frontal


@pytest.mark.parametrize("spoil", [with_open_mouth, with_shut_eyes])
def test_a_calm_face_with_open_eyes_is_preferred(frontal: Instance, spoil: object) -> None:
    worse = replace(frontal, landmarks=spoil(frontal.landmarks), quality=0.6)  # type: ignore[operator]
    assert choose_template([worse, frontal]) is frontal


def test_a_turned_picture_takes_the_photo_turned_alike(frontal: Instance) -> None:
    left, right = (replace(frontal, landmarks=turned(angle)) for angle in (-28, 28))
    photos = [left, frontal, right]
    for angle, expected in ((-25, left), (0, frontal), (32, right)):
        assert choose_template_for(turned(angle), photos) is expected


def test_an_open_mouth_takes_an_open_mouth(frontal: Instance) -> None:
    talking = replace(frontal, landmarks=with_open_mouth(frontal.landmarks))
    photos = [frontal, talking]
    assert choose_template_for(with_open_mouth(turned(3)), photos) is talking
    assert choose_template_for(turned(3), photos) is frontal


def test_a_useless_photo_is_still_better_than_none(frontal: Instance) -> None:
    poor = replace(frontal, quality=0.0)
    assert choose_template([poor]) is poor
    for choose in (choose_template, lambda photos: choose_template_for(turned(0), photos)):
        with pytest.raises(InvalidInput, match="at least one photo"):
            choose([])


def test_a_noisy_photo_from_the_dark_gives_way(template: Instance) -> None:
    noise = np.random.default_rng(0).normal(0, 8, template.pixels.shape)
    dark = np.clip(template.pixels * 0.4 + noise, 0, 255).astype(np.uint8)
    noisy = replace(template, pixels=dark, quality=template.quality * 1.1)
    assert choose_template([noisy, template]) is template
    assert choose_template_for(template.landmarks, [noisy, template]) is template
