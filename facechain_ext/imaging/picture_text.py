"""A picture as a text, which settings, jobs and requests can carry."""

from __future__ import annotations

import base64
import binascii

import cv2
import numpy as np

from facechain_ext.base.errors import InvalidInput, UnreadablePhoto, quoted
from facechain_ext.base.records import Pixels
from facechain_ext.imaging.files import decode

HEAD = "data:image/png;base64,"
MOST_MEGAPIXELS = 5.0


def write_picture(pixels: Pixels) -> str:
    """Write a picture, (H, W) of greys or (H, W, 3), as a data URI."""
    shown = pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., ::-1])
    png = cv2.imencode(".png", shown, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]
    return HEAD + base64.b64encode(png.tobytes()).decode("ascii")


def read_picture(text: str, called: str) -> Pixels:
    """Read a picture of any kind from a data URI; raises InvalidInput, which calls it a name."""
    head, comma, data = text.partition(",")
    if not (head.startswith("data:image/") and head.endswith(";base64") and comma):
        raise InvalidInput(f"{called} must be a picture as {HEAD}..., not {quoted(text)}.")
    try:
        content = base64.b64decode(data, validate=True)
        return decode(content, name=called, max_megapixels=MOST_MEGAPIXELS)
    except (binascii.Error, UnreadablePhoto) as error:
        raise InvalidInput(f"{called} holds no picture that can be read.") from error
