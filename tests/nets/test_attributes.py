"""What a face shows, and how several photos of it are summed up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facechain_ext.base.records import Attributes, Gender
from facechain_ext.imaging.files import read_photo
from facechain_ext.nets.attributes import smile_score, vote


def test_the_astronaut_is_a_smiling_woman_in_colour(nets, astronaut, face, mesh):
    attributes = nets.attributes.read(astronaut, face, mesh)
    assert attributes.gender is Gender.WOMAN
    assert 20 < attributes.age < 50
    assert attributes.smiling is True
    assert attributes.glasses is None
    assert attributes.monochrome is False


def test_black_and_white_changes_nothing_else(nets, astronaut, face, mesh):
    grey = np.repeat(astronaut.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    attributes = nets.attributes.read(grey, face, mesh)
    assert attributes.monochrome is True
    assert attributes.gender is Gender.WOMAN


def test_the_smile_does_not_depend_on_size_or_tilt(mesh):
    turn = np.array([[0.8, -0.6], [0.6, 0.8]]) * 3
    assert smile_score((mesh @ turn.T + 7).astype(np.float32)) == pytest.approx(
        smile_score(mesh), abs=1e-3
    )


def test_drooping_corners_and_a_narrow_mouth_end_the_smile(mesh):
    sad = mesh.copy()
    middle = mesh[[61, 291]].mean(axis=0)
    sad[[61, 291]] = (mesh[[61, 291]] - middle) * 0.8 + middle + (0, 8)
    assert smile_score(sad) < 0.2 < 0.4 < smile_score(mesh)


def test_a_slight_smile_is_not_decided(nets, astronaut, face, mesh):
    slight = mesh.copy()
    middle = mesh[[61, 291]].mean(axis=0)
    for fall in np.linspace(0, 8, 40):
        slight[[61, 291]] = (mesh[[61, 291]] - middle) * 0.85 + middle + (0, fall)
        score, smiling = smile_score(slight), nets.attributes.read(astronaut, face, slight).smiling
        assert smiling is (True if score >= 0.4 else False if score <= 0.2 else None)
        if smiling is None:
            return
    pytest.fail("no slight smile was made")


def test_the_smile_of_a_turned_head_is_not_told(nets, astronaut, face, mesh):
    points = face.landmarks.copy()
    points[2] = points[1]
    turned = replace(face, landmarks=points)
    assert nets.attributes.read(astronaut, turned, mesh).smiling is None


def test_a_vote_takes_the_majority_of_those_who_know_and_the_median_age():
    woman, man = Gender.WOMAN, Gender.MAN
    readings = [
        Attributes(woman, 30, smiling=True, glasses=None, monochrome=True),
        Attributes(man, 33, smiling=None, glasses=None),
        Attributes(woman, 90, smiling=False, glasses=None),
        Attributes(None, None, smiling=True, glasses=None),
    ]
    assert vote(readings) == Attributes(woman, 33, smiling=True, glasses=None, monochrome=False)


def test_a_vote_of_nobody_knows_nothing():
    assert vote([]) == Attributes()


@pytest.mark.people
def test_gender_is_right_for_the_studio_people(nets, people):
    """Known from the collection's own records (Face Research Lab London Set)."""
    genders = set()
    for folder in sorted(people.glob("london_ccby/*")):
        readings = []
        for path in sorted(folder.iterdir()):
            pixels = read_photo(path).pixels
            face = nets.detector.detect(pixels)[0]
            mesh = nets.landmarker.locate(pixels, face)
            readings.append(nets.attributes.read(pixels, face, mesh))
        known = {reading.gender for reading in readings if reading.gender}
        assert len(known) == 1, folder.name
        genders |= known
    assert genders == {Gender.WOMAN, Gender.MAN}
