"""The words of a caption."""

from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.base.records import Attributes, Face, Gender, Pixels
from facechain_ext.dataset.captions import (
    background_phrase,
    caption,
    looking_phrase,
    mirrored,
    subject,
)


def flat(*rgb: int) -> Pixels:
    return np.full((64, 64, 3), rgb, np.uint8)


def face_with_nose_at(x: float) -> Face:
    points = [(0, 0), (100, 0), (x, 50), (20, 100), (80, 100)]
    return Face((-40, -60, 140, 140), np.array(points, np.float32), 0.9)


def test_a_full_caption() -> None:
    seen = Attributes(Gender.WOMAN, age=28, smiling=True, glasses=True)
    assert caption(seen, "fcsks", looking="looking left", background="gray background") == (
        "fcsks, portrait photo of a young woman, smiling, wearing glasses, looking left, "
        "gray background, color photo"
    )


def test_what_cannot_be_told_is_left_out() -> None:
    assert caption(Attributes(), "fcsks") == "fcsks, portrait photo of a person, color photo"


def test_what_is_not_worn_is_left_out_but_a_serious_face_is_said() -> None:
    text = caption(Attributes(smiling=False, glasses=False, monochrome=True), "tok")
    assert text == "tok, portrait photo of a person, serious, black and white photo"


@pytest.mark.parametrize(
    ("gender", "age", "words"),
    [
        (Gender.WOMAN, 34.9, "a young woman"),
        (Gender.MAN, 35, "a middle aged man"),
        (Gender.MAN, 55, "an old man"),
        (Gender.WOMAN, 12.9, "a girl"),
        (Gender.MAN, 5, "a boy"),
        (None, 5, "a child"),
        (None, 60, "an old person"),
        (Gender.WOMAN, None, "a woman"),
    ],
)
def test_subject(gender: Gender | None, age: float | None, words: str) -> None:
    assert subject(Attributes(gender, age)) == words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fcsks, a man, looking left", "fcsks, a man, looking right"),
        ("looking Right, left hand", "looking left, right hand"),
        ("leftover, bright light", "leftover, bright light"),
    ],
)
def test_a_mirror_swaps_left_and_right(text: str, expected: str) -> None:
    assert mirrored(text) == expected


@pytest.mark.parametrize(
    ("x", "phrase"), [(50, None), (60, None), (25, "looking left"), (80, "looking right")]
)
def test_looking(x: float, phrase: str | None) -> None:
    assert looking_phrase(face_with_nose_at(x)) == phrase


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((168, 168, 168), "gray"),
        ((255, 255, 255), "white"),
        ((220, 220, 218), "light"),
        ((20, 22, 30), "dark"),
        ((40, 80, 160), "blue"),
        ((60, 140, 60), "green"),
        ((130, 90, 60), "brown"),
        ((200, 30, 40), "red"),
    ],
)
def test_background_colors(rgb: tuple[int, int, int], name: str) -> None:
    assert background_phrase(flat(*rgb)) == f"{name} background"


def test_a_mixed_background_has_no_name() -> None:
    mixed = flat(255, 255, 255)
    mixed[:, :32] = (10, 10, 60)
    assert background_phrase(mixed) is None


def test_only_the_upper_corners_count() -> None:
    picture = flat(40, 80, 160)
    picture[20:, 15:50] = (250, 200, 180)
    assert background_phrase(picture) == "blue background"
