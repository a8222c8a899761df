from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facechain_ext.dataset.buckets import Size, buckets_of, framed, nearest, shape_error


@pytest.mark.parametrize("side", [64, 192, 512, 768, 1024])
def test_buckets_are_what_the_model_takes_and_no_larger_than_the_square(side: int) -> None:
    buckets = buckets_of(side)
    assert (side, side) in buckets
    for width, height in buckets:
        assert width % 64 == height % 64 == 0
        assert width * height <= side * side
        assert (height, width) in buckets
        assert 0.5 <= width / height <= 2


def test_the_buckets_of_a_resolution_are_known() -> None:
    assert buckets_of(192) == [(128, 256), (192, 192), (256, 128)]
    assert buckets_of(512) == [(384, 640), (448, 576), (512, 512), (576, 448), (640, 384)]


@pytest.mark.parametrize(
    ("size", "bucket"),
    [
        ((1000, 1000), (512, 512)),
        ((900, 1200), (448, 576)),
        ((1920, 1080), (640, 384)),
        ((400, 4000), (384, 640)),
        ((33, 30), (512, 512)),
    ],
)
def test_a_picture_goes_into_the_bucket_of_its_shape(size: Size, bucket: Size) -> None:
    assert nearest(size, buckets_of(512)) == bucket


@given(st.integers(16, 700), st.integers(16, 700), st.sampled_from(buckets_of(192)))
def test_a_framed_picture_fills_its_bucket_from_its_middle(w: int, h: int, bucket: Size) -> None:
    made = framed(np.zeros((h, w, 3), np.uint8), bucket)
    assert made.pixels.shape == (bucket[1], bucket[0], 3)
    assert made.original == (h, w)
    assert 0 in (made.cut_off[0], made.cut_off[1])


def test_what_is_cut_off_is_equal_on_both_sides() -> None:
    picture = np.zeros((100, 300, 3), np.uint8)
    picture[:, 100:200] = 255
    made = framed(picture, (192, 192))
    assert made.cut_off == (0, 192)
    assert (made.pixels > 250).mean() > 0.97


def test_the_error_of_shapes_is_their_mean_difference() -> None:
    assert shape_error([(100, 100), (200, 100)], [(192, 192)]) == pytest.approx(0.5)
    assert shape_error([(128, 256)], buckets_of(192)) == 0
    assert shape_error([], buckets_of(192)) == 0
