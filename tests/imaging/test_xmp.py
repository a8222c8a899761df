"""A packet in a finished file: read back by Pillow, and the picture as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facechain_ext.base.errors import InvalidInput
from facechain_ext.imaging.provenance import XMP_KEY, ai_marker
from facechain_ext.imaging.xmp import embed

PACKET = ai_marker("trainedAlgorithmicMedia")[XMP_KEY]
EXIF = Image.Exif()
EXIF[0x010E] = "a description"


def saved(path: Path, **options: Any) -> Path:
    pixels = np.random.default_rng(1).integers(0, 255, (31, 45, 3), np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return path


def packet_of(path: Path) -> str:
    with Image.open(path) as image:
        if path.suffix == ".png":
            return str(image.text[XMP_KEY])  # type: ignore[attr-defined]
        if path.suffix == ".webp":
            return bytes(image.info["xmp"]).decode("utf-8")
        segments = [body for _, body in image.applist]  # type: ignore[attr-defined]
    (found,) = [body for body in segments if body.startswith(b"http://ns.adobe.com/xap/1.0/\0")]
    return str(found.split(b"\0", 1)[1].decode("utf-8"))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.jpg", {"quality": 80}),
        ("a.jpg", {"exif": EXIF}),
        ("a.webp", {"quality": 80}),
        ("a.webp", {"lossless": True}),
        ("a.webp", {"exif": EXIF.tobytes()}),
    ],
)
def test_the_packet_is_read_back_and_nothing_else_changes(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    path = saved(tmp_path / name, **options)
    with Image.open(path) as image:
        before, description = np.asarray(image), image.getexif().get(0x010E)
    embed(path, PACKET)
    assert packet_of(path) == PACKET
    with Image.open(path) as image:
        assert image.size == (45, 31)
        assert np.array_equal(np.asarray(image), before)
        assert image.getexif().get(0x010E) == description
    once = path.read_bytes()
    embed(path, PACKET)
    assert path.read_bytes() == once


def test_other_files_are_refused_and_left_alone(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.bmp")
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match=r"a\.bmp"):
        embed(path, PACKET)
    assert path.read_bytes() == before
