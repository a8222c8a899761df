"""Pictures that are to be painted into come back as they were, or are refused with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facechain_ext.base.errors import InvalidInput, UnreadablePhoto
from facechain_ext.imaging.still import read_cut_out, read_still

PIXELS = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)


def saved(folder: Path, name: str, mode: str = "RGB", **options: Any) -> Path:
    path = folder / name
    image = Image.fromarray(PIXELS).convert(mode)
    if options.pop("several", False):
        options = {**options, "save_all": True, "append_images": [image.rotate(90)]}
    image.save(path, **options)
    return path


def test_a_still_picture_is_read_pixel_for_pixel(tmp_path: Path) -> None:
    assert np.array_equal(read_still(saved(tmp_path, "a.png")).pixels, PIXELS)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_an_animation_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=rf"{name} is an animation: save the one picture"):
        read_still(saved(tmp_path, name, several=True))


def test_pages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="several pages"):
        read_still(saved(tmp_path, "a.tif", several=True))


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_colours_of_print_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"CMYK.*save it in RGB"):
        read_still(saved(tmp_path, name, "CMYK"))


def test_a_phones_photo_with_a_preview_inside_is_one_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    image = Image.fromarray(PIXELS)
    image.save(path, "MPO", save_all=True, append_images=[image])
    assert read_still(path).pixels.shape == PIXELS.shape


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"nothing of the kind")
    with pytest.raises(UnreadablePhoto, match=r"a\.png"):
        read_still(tmp_path / "a.png")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_how_opaque_a_picture_is_is_read_with_it(tmp_path: Path, mode: str) -> None:
    alpha = np.zeros((24, 32), np.uint8)
    alpha[4:20, 8:] = 255
    image = Image.fromarray(np.dstack([PIXELS, alpha])).convert("RGBA")
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.png"
    if mode == "P":
        image = Image.fromarray((alpha > 0).astype(np.uint8), "L").convert("P")
        image.info["transparency"] = 0
    image.convert(mode).save(path, exif=exif, **({"transparency": 0} if mode == "P" else {}))
    photo, opaque = read_cut_out(path)
    assert opaque is not None
    assert photo.pixels.shape[:2] == opaque.shape == (32, 24)
    assert np.array_equal(opaque, np.rot90(alpha, 3) / np.float32(255))


def test_a_picture_without_alpha_is_all_opaque(tmp_path: Path) -> None:
    photo, opaque = read_cut_out(saved(tmp_path, "a.jpg"))
    assert photo.pixels.shape == PIXELS.shape
    assert opaque is None
