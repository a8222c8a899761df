"""Where random crops fall."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from facechain_ext.base.records import Face
from facechain_ext.dataset.crops import (
    CENTERS_X,
    CENTERS_Y,
    MOST_TILT,
    SHARES,
    TIGHTER,
    random_crop,
)
from facechain_ext.dataset.framing import FACE_CENTER, FACE_SHARE, TIGHTEST_SHARE
from facechain_ext.imaging.geometry import invert, scale_of, transform_points


def framed(share: float, source: int) -> Face:
    """A face where instance pictures have it."""
    x, y = FACE_CENTER[0] * source, FACE_CENTER[1] * source
    half = share * source / 2
    landmarks = np.array([(-1, -1), (1, -1), (0, 0), (-1, 1), (1, 1)]) * half / 3 + (x, y)
    return Face((x - 0.75 * half, y - half, x + 0.75 * half, y + half), landmarks, 0.9)


@given(
    seed=st.integers(0, 2**31),
    share=st.floats(FACE_SHARE, TIGHTEST_SHARE),
    size=st.sampled_from([64, 192, 512, 768]),
)
def test_crops_stay_inside_and_vary_as_portraits_do(seed: int, share: float, size: int) -> None:
    source = 512
    face = framed(share, source)
    matrix = random_crop(
        face, source=source, size=size, generator=torch.Generator().manual_seed(seed)
    )
    end = size - 0.5
    corners = transform_points([(-0.5, -0.5), (end, -0.5), (-0.5, end), (end, end)], invert(matrix))
    assert corners.min() > -0.6
    assert corners.max() < source - 0.4
    low, high = (max(s, t * share) for s, t in zip(SHARES, TIGHTER, strict=True))
    assert low - 1e-6 <= scale_of(matrix) * face.height / size <= high + 1e-6
    x, y = transform_points([face.center], matrix)[0] / size
    assert CENTERS_X[0] - 0.06 < x < CENTERS_X[1] + 0.06
    assert CENTERS_Y[0] - 0.06 < y < CENTERS_Y[1] + 0.06
    tilt = np.degrees(np.arctan2(matrix[0, 1], matrix[0, 0]))
    assert abs(tilt) <= MOST_TILT + 1e-6


def test_a_face_that_fills_the_picture_is_cropped_within_it() -> None:
    face = framed(1.5, 512)
    matrix = random_crop(face, source=512, size=64, generator=torch.Generator().manual_seed(0))
    corners = transform_points([(0, 0), (63, 63)], invert(matrix))
    assert corners.min() >= -0.5
    assert corners.max() <= 511.5


def test_draws_differ_and_repeat() -> None:
    def draw(seed: int) -> list[np.ndarray]:
        generator = torch.Generator().manual_seed(seed)
        face = framed(0.44, 512)
        return [random_crop(face, source=512, size=64, generator=generator) for _ in range(2)]

    first, again, other = draw(1), draw(1), draw(2)
    assert np.array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], other[0])
