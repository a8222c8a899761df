"""Photos on disk: list, read, write. Decoding and encoding are re-exported from here."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

import cv2

from facechain_ext.base.errors import InvalidInput, UnreadablePhoto, reason
from facechain_ext.base.records import Photo, Pixels
from facechain_ext.imaging.decode import decode, read_png_text
from facechain_ext.imaging.encode import encode_jpeg, encode_png

_SUFFIXES = (
    ".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".mpo",
    ".heic", ".heif", ".avif",
)  # fmt: skip

_BYTES_PER_PIXEL = 8
_BYTES_BESIDES = 64 * 2**20
"""What a photo file may hold: pixels of four colours at 16 bits, and profiles, previews, notes."""

__all__ = [
    "decode",
    "encode_jpeg",
    "encode_png",
    "files_in",
    "list_photos",
    "read_photo",
    "read_png_text",
    "resize",
    "write_atomic",
]


def read_photo(path: Path, *, max_megapixels: float = 80.0) -> Photo:
    """Read and decode one photo file; raises what `decode` raises.

    Raises a plain InvalidInput, before reading, for a file too long to be a photo of that size.
    """
    data = _read(path, round(max_megapixels * 1e6) * _BYTES_PER_PIXEL + _BYTES_BESIDES)
    return Photo(path.name, decode(data, name=path.name, max_megapixels=max_megapixels))


def _read(path: Path, longest: int) -> bytes:
    """Read a regular file: a pipe or device would keep us waiting, or never end."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise UnreadablePhoto(f"{path.name} cannot be read: it is a folder.")
        if not stat.S_ISREG(found.st_mode):
            raise UnreadablePhoto(f"{path.name} cannot be read: it is a pipe or a device.")
        if found.st_size > longest:
            raise InvalidInput(
                f"{path.name} has {found.st_size / 2**20:,.0f} MB; "
                f"at most {longest / 2**20:,.0f} are accepted."
            )
        with path.open("rb") as stream:
            return stream.read(longest)
    except OSError as error:
        raise UnreadablePhoto(f"{path.name} cannot be read: {reason(error)}.") from error


def list_photos(folder: Path) -> list[Path]:
    """Return a folder's photos by name, not those of its subfolders.

    Hidden files are none, nor is what a Mac leaves beside each file as `._name`.
    Raises InvalidInput when the folder does not exist or cannot be looked into.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is not a folder.")
    try:
        return sorted(path for path in folder.iterdir() if _is_photo(path))
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be looked into: {reason(error)}.") from error


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


def files_in(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and below it, through links too, each folder once."""
    seen: set[str] = set()
    for parent, names, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            names.clear()
            continue
        seen.add(real)
        names.sort()
        yield from (Path(parent, name) for name in sorted(files))
