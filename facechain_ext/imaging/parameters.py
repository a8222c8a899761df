"""The generation parameters that picture files carry, read from the header alone."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")
_EXIF, _USER_COMMENT = 0x8769, 0x9286
_UNICODE = b"UNICODE\0"
"""What a comment of UTF-16, most significant byte first, begins with (EXIF 2.3, 4.6.5)."""


def read_parameters(path: Path) -> str:
    """Return a picture's infotext; empty where it has none or cannot be read."""
    Image.init()
    known = [name for name in _FORMATS if name in Image.OPEN]
    try:
        with Image.open(path, formats=known) as image:
            if isinstance(told := image.info.get("parameters"), str):
                return told
            comment = image.getexif().get_ifd(_EXIF).get(_USER_COMMENT, b"")
    except (OSError, SyntaxError, ValueError):
        return ""
    if not isinstance(comment, bytes) or not comment.startswith(_UNICODE):
        return ""
    return comment.removeprefix(_UNICODE).decode("utf-16-be", errors="replace")
