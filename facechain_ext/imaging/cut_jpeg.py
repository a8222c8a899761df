"""JPEG files that end too early: without their end marker, or without their last rows."""

from __future__ import annotations

import io

from PIL import Image, ImageChops

LEAST_SHARE = 7 / 8
"""Of the rows, that must be there for the picture to be of use."""

_END = b"\xff\xd9"
_GUESS = bytes(range(1, 255, 2))
"""Stands for what is missing; where it shows in the picture, something was missing."""


def without_missing_rows(data: bytes) -> Image.Image:
    """Decode as far as the data goes; a picture that lacks but its end marker is whole.

    Raises OSError where more than an eighth of the rows is missing.
    """
    body = data.rstrip(b"\xff")
    picture = _decoded(body + _END)
    changed = ImageChops.difference(picture, _decoded(body + _GUESS + _END)).getbbox()
    rows = picture.height if changed is None else changed[1]
    if rows < LEAST_SHARE * picture.height:
        raise OSError(f"only {100 * rows // picture.height} % of the picture is there")
    return picture if changed is None else picture.crop((0, 0, picture.width, rows))


def _decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    image.load()
    return image
