"""Infotexts read back from pictures, without decoding them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from facechain_ext.imaging.parameters import read_parameters

TEXT = "fcsks, café, 肖像\nSteps: 20, Seed: 7, FaceChain person: Ana"
PICTURE = Image.new("RGB", (16, 16), "red")


def saved(path: Path, text: str) -> Path:
    """Save a picture as the webuis do: PNGs with a text, others with a comment in their EXIF."""
    if path.suffix == ".png":
        chunks = PngImagePlugin.PngInfo()
        chunks.add_text("parameters", text)
        PICTURE.save(path, pnginfo=chunks)
        return path
    exif = Image.Exif()
    exif[0x8769] = {0x9286: b"UNICODE\0" + text.encode("utf-16-be")}
    PICTURE.save(path, exif=exif.tobytes())
    return path


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_an_infotext_is_read_back(tmp_path: Path, suffix: str) -> None:
    assert read_parameters(saved(tmp_path / f"a.{suffix}", TEXT)) == TEXT


def test_what_says_nothing_or_is_no_picture_gives_nothing(tmp_path: Path) -> None:
    PICTURE.save(tmp_path / "plain.png")
    PICTURE.save(tmp_path / "plain.jpg")
    whole = saved(tmp_path / "whole.jpg", TEXT).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[:30])
    (tmp_path / "text.png").write_bytes(b"no picture")
    (tmp_path / "folder.png").mkdir()
    for name in ("plain.png", "plain.jpg", "cut.jpg", "text.png", "folder.png", "gone.png"):
        assert read_parameters(tmp_path / name) == ""


def test_the_pixels_are_not_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", TEXT)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"IDAT") + 4])
    assert read_parameters(path) == TEXT
