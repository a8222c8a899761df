"""Pictures made small, for lists and cards."""

from __future__ import annotations

import base64

from facechain_ext.base.records import Pixels
from facechain_ext.imaging.encode import encode_jpeg
from facechain_ext.imaging.files import resize


def shrunk(pixels: Pixels, side: int) -> Pixels:
    """Make a picture's longer side at most so many pixels; a smaller one stays as it is."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    return resize(pixels, (max(round(width * scale), 1), max(round(height * scale), 1)))


def thumbnail(pixels: Pixels, side: int, *, quality: int = 85) -> str:
    """Encode a small picture into an address of its own, so that no file has to be served."""
    encoded = base64.b64encode(encode_jpeg(shrunk(pixels, side), quality=quality)).decode("ascii")
    return f"data:image/jpeg;base64,{encoded}"
