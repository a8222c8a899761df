"""The limits, where pictures that show them are hard to come by."""

from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.base.records import Face, Reason
from facechain_ext.dataset.checks import check_clear, check_cut, check_pose, main_face
from facechain_ext.dataset.quality import quality
from facechain_ext.dataset.verdicts import SENTENCES, Unusable


def face(*, nose: float = 50.0, side: float = 100.0) -> Face:
    points = [(0, 0), (100, 0), (nose, 50), (20, 100), (80, 100)]
    return Face((0, 0, side, side), np.array(points, np.float32), 0.9)


@pytest.mark.parametrize("nose", [-4, 0, 100, 104])
def test_profiles_are_turned_away(nose: float) -> None:
    with pytest.raises(Unusable) as caught:
        check_pose(face(nose=nose), "p.jpg")
    assert caught.value.verdict.reason is Reason.TURNED_AWAY


@pytest.mark.parametrize("nose", [5, 15, 50, 85, 95])
def test_three_quarter_views_are_not(nose: float) -> None:
    check_pose(face(nose=nose), "p.jpg")


def test_the_largest_face_wins_when_it_is_large_enough() -> None:
    largest, small = face(side=200), face(side=99)
    assert main_face([small, largest], "p.jpg", ratio=4) is largest
    with pytest.raises(Unusable, match="3 faces"):
        main_face([face(side=101), largest, face(side=110), small], "p.jpg", ratio=4)


def test_cut_off_tells_how_much_is_seen() -> None:
    oval, valid = np.ones((10, 10), np.float32), np.ones((10, 10), np.float32)
    valid[:, :3] = 0
    with pytest.raises(Unusable, match="only 70 %"):
        check_cut(oval, valid, "p.jpg")


@pytest.mark.parametrize(("norm", "sharpness"), [(7.0, 0.5), (12.0, 0.2)])
def test_either_sign_of_blur_is_enough(norm: float, sharpness: float) -> None:
    with pytest.raises(Unusable, match="blurred"):
        check_clear("p.jpg", norm=norm, sharpness=sharpness)


def test_every_reason_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Reason)


BEST = {"norm": 14.0, "face_px": 300.0, "yaw": 0.0, "sharpness": 0.7}


@pytest.mark.parametrize(
    "worse", [{"norm": 9.0}, {"face_px": 70.0}, {"yaw": -0.6}, {"sharpness": 0.3}]
)
def test_quality_falls_with_each_measure(worse: dict[str, float]) -> None:
    assert quality(**BEST) == 1
    assert 0 < quality(**{**BEST, **worse}) < 0.9


def test_quality_has_a_floor() -> None:
    assert quality(norm=5, face_px=300, yaw=0, sharpness=0.7) == 0
    assert quality(norm=14, face_px=300, yaw=1, sharpness=0.7) == 0
