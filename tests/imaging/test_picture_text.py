from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.imaging.encode import encode_jpeg
from facechain_ext.imaging.picture_text import HEAD, read_picture, write_picture

RNG = np.random.default_rng(0)


def test_colours_and_greys_come_back() -> None:
    colours = RNG.integers(0, 256, (5, 7, 3), np.uint8)
    assert np.array_equal(read_picture(write_picture(colours), "depth"), colours)
    greys = colours[..., 0]
    assert np.array_equal(read_picture(write_picture(greys), "depth")[..., 1], greys)


def test_other_kinds_of_pictures_are_read() -> None:
    import base64

    jpeg = base64.b64encode(encode_jpeg(np.full((8, 8, 3), 200, np.uint8))).decode()
    assert read_picture(f"data:image/jpeg;base64,{jpeg}", "depth").shape == (8, 8, 3)


@pytest.mark.parametrize("text", ["", "photo.jpg", "data:text/plain;base64,aGk=", HEAD[:-1]])
def test_what_is_no_picture_is_said(text: str) -> None:
    with pytest.raises(InvalidInput, match="canny must be a picture as data:image/png"):
        read_picture(text, "canny")


@pytest.mark.parametrize("data", ["", "aGk=", "!!!", "iVBORw0KGgo="])
def test_a_damaged_picture_is_said(data: str) -> None:
    with pytest.raises(InvalidInput, match="canny holds no picture that can be read"):
        read_picture(HEAD + data, "canny")
