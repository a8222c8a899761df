"""Photos on disk: list, read, write. Decoding and encoding are re-exported from here."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import cv2

from facechain_ext.base.errors import InvalidInput, UnreadablePhoto
from facechain_ext.base.records import Photo, Pixels
from facechain_ext.imaging.decode import decode, read_png_text
from facechain_ext.imaging.encode import encode_jpeg, encode_png

_SUFFIXES = (
    ".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".mpo",
    ".heic", ".heif", ".avif",
)  # fmt: skip

__all__ = [
    "decode",
    "encode_jpeg",
    "encode_png",
    "list_photos",
    "read_photo",
    "read_png_text",
    "resize",
    "write_atomic",
]


def read_photo(path: Path, *, max_megapixels: float = 80.0) -> Photo:
    """Read and decode one photo file; raises what `decode` raises."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadablePhoto(f"{path.name} cannot be read: {error.strerror}.") from error
    return Photo(path.name, decode(data, name=path.name, max_megapixels=max_megapixels))


def list_photos(folder: Path) -> list[Path]:
    """Return a folder's photos by name, not those of its subfolders.

    Raises InvalidInput when the folder does not exist.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is not a folder.")
    return sorted(path for path in folder.iterdir() if _is_photo(path))


def _is_photo(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and path.is_file() and not path.name.startswith(".")


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part."""
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)  # noqa: PTH105
    finally:
        temporary.unlink(missing_ok=True)


def resize(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Scale to (width, height): averaged when it shrinks, Lanczos when it grows."""
    if (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    shrinks = size[0] * size[1] < pixels.shape[0] * pixels.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LANCZOS4
    resized: Pixels = cv2.resize(pixels, size, interpolation=method)
    return resized
