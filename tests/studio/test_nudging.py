from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.imaging.openpose import Skeleton
from facechain_ext.imaging.picture_text import read_picture, write_picture
from facechain_ext.imaging.pose_text import read_pose, write_pose
from facechain_ext.studio.nudging import mirrored, nudged

PICTURE = np.zeros((100, 100), np.uint8)
PICTURE[40:60, 20:30] = 255


def pose() -> str:
    body, face = np.full((18, 2), np.nan, np.float32), np.full((70, 2), np.nan, np.float32)
    body[0] = 0.25, 0.5
    return write_pose(Skeleton(body, face))


def place(text: str) -> tuple[float, float]:
    """Return where the white is, in shares of the picture."""
    ys, xs = np.nonzero(read_picture(text, "depth")[..., 0] > 128)
    return (xs.mean() + 0.5) / 100, (ys.mean() + 0.5) / 100


def test_a_pose_and_a_picture_are_mirrored_alike() -> None:
    assert np.allclose(read_pose(mirrored("pose", pose())).body[0], (0.75, 0.5))
    assert place(mirrored("depth", write_picture(PICTURE))) == pytest.approx((0.75, 0.5))


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ((0.1, -0.2, 1.0), (0.35, 0.3)),
        ((0.0, 0.0, 1.5), (0.125, 0.5)),
        ((0.1, 0.0, 0.5), (0.475, 0.5)),
    ],
)
def test_a_pose_and_a_picture_move_alike(
    change: tuple[float, float, float], wanted: tuple[float, float]
) -> None:
    assert np.allclose(read_pose(nudged("pose", pose(), *change)).body[0], wanted, atol=1e-3)
    assert place(nudged("depth", write_picture(PICTURE), *change)) == pytest.approx(
        wanted, abs=0.02
    )


def test_what_is_none_is_said() -> None:
    with pytest.raises(InvalidInput, match="or 88 points"):
        mirrored("pose", "x")
    with pytest.raises(InvalidInput, match="canny must be a picture"):
        nudged("canny", "x", 0, 0)
