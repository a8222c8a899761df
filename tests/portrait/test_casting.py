"""Who comes on which face."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Attributes, Face, Gender
from facechain_ext.portrait.casting import Cast, Sitter, checked_cast, propose, read_cast
from facechain_ext.portrait.head_pose import FRONTAL, Pose, mean_face
from facechain_ext.portrait.numbered import NumberedFace

WOMAN, MAN = Gender.WOMAN, Gender.MAN


def turned(degrees: float) -> Any:
    """The mesh of a head turned to the side."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rotation = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    return Pose(rotation, 40.0, np.array([100.0, 100.0])).project(mean_face())


def face(
    number: int, gender: Gender | None = None, age: float = 30, *, angle: float = 0, px: float = 90
) -> NumberedFace:
    box = Face((0, 0, px, px), np.zeros((5, 2), np.float32), 0.9)
    return NumberedFace(
        number, box, turned(angle), np.ones(4, np.float32), Attributes(gender=gender, age=age)
    )


def person(name: str, gender: Gender | None, age: float = 30, *angles: float) -> Sitter:
    photos: Any = [SimpleNamespace(landmarks=turned(angle)) for angle in angles or (0,)]
    return Sitter(name, Attributes(gender=gender, age=age), photos)


def test_a_head_of_the_mean_is_frontal() -> None:
    assert np.allclose(
        turned(0), Pose(FRONTAL.rotation, 40, np.array([100.0, 100])).project(mean_face())
    )


@pytest.mark.parametrize(
    ("text", "cast"),
    [
        ("", {}),
        ("1=Ana,2=Ben", {1: "Ana", 2: "Ben"}),
        (" 3 = Ana Maria , ", {3: "Ana Maria"}),
        ("2=a=b", {2: "a=b"}),
    ],
)
def test_a_list_is_read(text: str, cast: Cast) -> None:
    assert read_cast(text) == cast


@pytest.mark.parametrize("text", ["Ana", "1", "1=", "=Ana", "x=Ana", "-1=Ana", "1.5=Ana", "²=Ana"])
def test_what_is_no_list_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="1=Ana,2=Ben"):
        read_cast(text)


def test_a_face_is_given_once() -> None:
    with pytest.raises(InvalidInput, match="Face 1 is given to two people"):
        read_cast("1=Ana,1=Ben")


@pytest.mark.parametrize(
    ("cast", "told"),
    [
        ({1: "Ana", 2: "Ana"}, "Ana is given two faces, 1 and 2"),
        ({1: "Ana", 2: "Ben", 3: "Cy"}, "3 people are named, but group.jpg shows 2 faces"),
        ({7: "Ana"}, "There is no face 7: group.jpg shows 2 faces"),
        ({0: "Ana"}, "There is no face 0"),
    ],
)
def test_what_cannot_be_done_is_said(cast: Cast, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        checked_cast(cast, [face(1), face(2)], "group.jpg")


def test_a_small_face_is_told_with_its_width() -> None:
    with pytest.raises(InvalidInput, match="Face 2 is only 20 pixels wide"):
        checked_cast({2: "Ana"}, [face(1), face(2, px=20)], "group.jpg")
    assert checked_cast({1: "Ana"}, [face(1), face(2, px=20)], "group.jpg") == {1: "Ana"}


def test_women_and_men_are_told_apart() -> None:
    faces = [face(1, MAN), face(2, WOMAN)]
    people = [person("Ana", WOMAN), person("Ben", MAN)]
    assert propose(faces, people) == {1: "Ben", 2: "Ana"}


def test_so_are_ages_and_heads_turned_alike() -> None:
    faces = [face(1, WOMAN, 60), face(2, WOMAN, 25)]
    assert propose(faces, [person("Ana", WOMAN, 24), person("Eve", WOMAN, 58)]) == {
        1: "Eve",
        2: "Ana",
    }
    faces = [face(1, angle=35), face(2, angle=-35)]
    people = [person("Ana", None, 30, -30), person("Ben", None, 30, 5, 30)]
    assert propose(faces, people) == {1: "Ben", 2: "Ana"}


def test_everybody_comes_once_and_a_face_too_many_stays() -> None:
    assert len(propose([face(1), face(2), face(3)], [person("Ana", None)])) == 1
    assert propose([face(1, px=20)], [person("Ana", None)]) == {}
    assert propose([face(1)], [Sitter("Ana", Attributes(), [])]) == {}
