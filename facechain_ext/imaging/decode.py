"""Bytes from strangers to pixels: size checked before decoding, orientation applied, EXIF gone."""

from __future__ import annotations

import io
import struct
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile

from facechain_ext.base.errors import InvalidInput, UnreadablePhoto
from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.cut_jpeg import without_missing_rows
from facechain_ext.imaging.depth import scaled_grey

# Formats that photos come in. The rest of Pillow's list stays shut: some of it starts programs.
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")

_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1")
"""The brands of ISO 23008-12 that iPhones and others write."""

_EXIF_ORIENTATION = 0x0112
# Quarter turns (np.rot90) and whether to mirror then, to undo each EXIF orientation (4.6.4 A).
_ORIENTATIONS = {
    2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True),
    6: (3, False), 7: (1, True), 8: (1, False),
}  # fmt: skip

_LONGEST_SIDE = 32_000  # OpenCV cannot warp anything longer.

# What Pillow's decoders raise on damaged files.
_DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError,
    MemoryError, AttributeError, struct.error,
)  # fmt: skip

_PILLOW_SETTINGS = threading.Lock()


def decode(data: bytes, *, name: str, max_megapixels: float = 80.0) -> Pixels:
    """Decode a photo to sRGB; transparency lies on white, of an animation the first frame is taken.

    Raises UnreadablePhoto when it is no photo or a damaged one, and a plain InvalidInput, before
    decoding, when it has more than `max_megapixels`.
    """
    with _strict_pillow(), _open(data, name) as image:
        _check_size(image, name, max_megapixels)
        try:
            whole = _loaded(image, data)
            return _oriented(_to_rgb(whole), _orientation(whole))
        except _DECODER_ERRORS as error:
            raise UnreadablePhoto(f"{name} is damaged or incomplete ({error}).") from error


def decode_alpha(data: bytes, *, name: str) -> Mask | None:
    """Return how opaque a picture is, turned as `decode` turns it; None where it has no alpha.

    Raises UnreadablePhoto for what cannot be decoded.
    """
    with _strict_pillow(), _open(data, name) as image:
        try:
            whole = _loaded(image, data)
            if "A" not in whole.mode and "transparency" not in whole.info:
                return None
            alpha = np.array(whole.convert("RGBA").getchannel("A"))
            upright = _oriented(alpha, _orientation(whole))
            return np.asarray(upright / np.float32(255), np.float32)
        except _DECODER_ERRORS as error:
            raise UnreadablePhoto(f"{name} is damaged or incomplete ({error}).") from error


def measure(data: bytes) -> tuple[int, int]:
    """Return a photo's width and height by its header; raises UnreadablePhoto, decodes nothing."""
    with _strict_pillow(), _open(data, "It") as image:
        return image.size


@dataclass(frozen=True)
class Header:
    """What a photo's file says before it is decoded. mode: Pillow's, such as RGB or CMYK."""

    format: str
    mode: str
    frames: int


def read_header(data: bytes, *, name: str) -> Header:
    """Look at a photo without decoding it; raises UnreadablePhoto."""
    with _strict_pillow(), _open(data, name) as image:
        try:
            frames = int(getattr(image, "n_frames", 1))
        except _DECODER_ERRORS as error:
            raise UnreadablePhoto(f"{name} is damaged ({error}).") from error
        return Header(image.format or "", image.mode, frames)


def read_png_text(data: bytes) -> dict[str, str]:
    """Return a PNG's text chunks; raises UnreadablePhoto when it is not a PNG."""
    with _strict_pillow():
        try:
            image = PngImageFile(io.BytesIO(data))
            with image:  # what `with` binds is a plain ImageFile to mypy, which has no text
                return {key: str(value) for key, value in image.text.items()}
        except _DECODER_ERRORS as error:
            raise UnreadablePhoto(f"This is not a readable PNG file ({error}).") from error


@contextmanager
def _strict_pillow() -> Iterator[None]:
    """Refuse truncated files and leave the size limit to us, whatever the host has set.

    Warnings about odd files are of no use to anyone here: the file is taken or refused.
    """
    with _PILLOW_SETTINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        saved = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = None, False
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = saved


def _formats() -> tuple[str, ...]:
    """Return those of our formats that this Pillow can open; pillow-heif may come at any time."""
    if "HEIF" not in Image.OPEN:
        with suppress(ImportError):
            import pillow_heif

            pillow_heif.register_heif_opener()
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _open(data: bytes, name: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_formats())
    except UnidentifiedImageError as error:
        raise UnreadablePhoto(_unknown(data, name)) from error
    except _DECODER_ERRORS as error:
        raise UnreadablePhoto(f"{name} is damaged ({error}).") from error


def _loaded(image: Image.Image, data: bytes) -> Image.Image:
    try:
        image.load()
        return image
    except OSError:
        if image.format not in ("JPEG", "MPO"):
            raise
        return without_missing_rows(data)


def _unknown(data: bytes, name: str) -> str:
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    if brand in _HEIC:
        return (
            f"{name} is a HEIC photo, which pillow-heif reads: "
            f'install it with "{sys.executable}" -m pip install pillow-heif, or save it as JPEG.'
        )
    if brand in (b"avif", b"avis"):
        return f"{name} is an AVIF photo, which this Pillow cannot read: save it as JPEG."
    return f"{name} is not a photo in a format that can be read."


def _check_size(image: Image.Image, name: str, max_megapixels: float) -> None:
    width, height = image.size
    if width * height > max_megapixels * 1e6:
        raise InvalidInput(
            f"{name} has {width * height / 1e6:.0f} megapixels; "
            f"at most {max_megapixels:g} are accepted."
        )
    if max(width, height) > _LONGEST_SIDE:
        raise InvalidInput(
            f"{name} is {width} x {height} pixels; at most {_LONGEST_SIDE} a side are accepted."
        )


def _to_rgb(image: Image.Image) -> Pixels:
    if image.mode == "F":
        raise ValueError("floating-point pixels")
    if image.mode.startswith("I"):
        return scaled_grey(image)
    if "A" in image.mode or "transparency" in image.info:
        rgba, white = image.convert("RGBA"), Image.new("RGBA", image.size, "white")
        flat = Image.alpha_composite(white, rgba).convert("RGB")
        return np.array(_to_srgb(flat, image.info.get("icc_profile")))
    return np.array(_to_srgb(image, image.info.get("icc_profile")).convert("RGB"))


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Apply an embedded colour profile, such as the wide gamut of phones; a broken one is void."""
    if not profile or image.mode not in ("RGB", "CMYK"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB") or image
    except (ImportError, ImageCms.PyCMSError, *_DECODER_ERRORS):
        return image


def _orientation(image: Image.Image) -> int:
    if image.format == "TIFF":
        return 1  # Pillow has turned these while loading.
    try:
        value = image.getexif().get(_EXIF_ORIENTATION, 1)
    except _DECODER_ERRORS:
        return 1  # Broken EXIF does not make the pixels worse.
    return value if isinstance(value, int) else 1


def _oriented(pixels: Pixels, orientation: int) -> Pixels:
    turns, mirrored = _ORIENTATIONS.get(orientation, (0, False))
    pixels = np.rot90(pixels, turns)
    return np.ascontiguousarray(pixels[:, ::-1] if mirrored else pixels)
