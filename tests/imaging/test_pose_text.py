from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config.setting import LONGEST_TEXT
from facechain_ext.imaging.openpose import Skeleton
from facechain_ext.imaging.pose_text import read_pose, write_pose


def test_a_pose_comes_back() -> None:
    rng = np.random.default_rng(0)
    body, face = (rng.random((count, 2), np.float32) for count in (18, 70))
    body[4] = np.nan
    text = write_pose(Skeleton(body, face))
    back = read_pose(text)
    assert len(text) < LONGEST_TEXT
    assert np.allclose(back.body, body, atol=1e-4, equal_nan=True)
    assert np.allclose(back.face, face, atol=1e-4)


def test_hands_are_written_where_one_is_seen() -> None:
    body, face = np.full((18, 2), np.nan, np.float32), np.full((70, 2), 0.5, np.float32)
    without = Skeleton(body, face)
    assert write_pose(without).count("0.5,0.5") == 70
    assert np.isnan(read_pose(write_pose(without)).hands).all()
    hands = without.hands.copy()
    hands[1] = np.random.default_rng(0).random((21, 2))
    text = write_pose(Skeleton(body, face, hands))
    assert len(text) < LONGEST_TEXT
    assert np.allclose(read_pose(text).hands, hands, atol=1e-4, equal_nan=True)


@pytest.mark.parametrize("text", ["", "pose.jpg", "[]", "[[1,2]]", "{}", "[" * 99_999, "null"])
def test_what_is_no_pose_is_said(text: str) -> None:
    with pytest.raises(InvalidInput, match="or 88 points"):
        read_pose(text)
