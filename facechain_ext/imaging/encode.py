"""Pixels to bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from facechain_ext.base.records import Pixels


def encode_png(pixels: Pixels, text: Mapping[str, str] | None = None) -> bytes:
    """Encode as PNG with one text chunk per entry (iTXt where Latin-1 is not enough)."""
    info = PngInfo()
    for key, value in (text or {}).items():
        info.add_text(key, value)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", pnginfo=info)
    return stream.getvalue()


def encode_jpeg(pixels: Pixels, quality: int = 92) -> bytes:
    """Encode as JPEG without chroma subsampling and without metadata."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling=0)
    return stream.getvalue()
