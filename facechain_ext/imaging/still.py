"""A picture that is to be painted into: one still picture in the colours of screens."""

from __future__ import annotations

from pathlib import Path

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask, Photo
from facechain_ext.imaging.decode import decode_alpha, read_header
from facechain_ext.imaging.files import read_photo

STILL_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif",
)  # fmt: skip
"""What files of such pictures are called."""
_WITH_EXTRAS = ("JPEG", "MPO")
"""Formats whose further pictures are previews and depth maps of the first."""


def read_still(path: Path, *, max_megapixels: float = 80.0) -> Photo:
    """Read a picture that may be painted into; raises what `read_photo` raises.

    Raises InvalidInput for what would not come back as it was: an animation, pages, CMYK.
    """
    photo = read_photo(path, max_megapixels=max_megapixels)
    header = read_header(path.read_bytes(), name=path.name)
    if header.frames > 1 and header.format not in _WITH_EXTRAS:
        what = "has several pages" if header.format == "TIFF" else "is an animation"
        raise InvalidInput(f"{path.name} {what}: save the one picture that you mean by itself.")
    if header.mode == "CMYK":
        raise InvalidInput(
            f"{path.name} is in the colours of print (CMYK): save it in RGB, so that what is left "
            "alone keeps its colours."
        )
    return photo


def read_cut_out(path: Path) -> tuple[Photo, Mask | None]:
    """Read a picture and how opaque it is, None for all of it; raises what `read_still` raises."""
    photo = read_still(path)
    return photo, decode_alpha(path.read_bytes(), name=path.name)
