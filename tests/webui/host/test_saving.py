"""Portraits saved as the webui saves its own pictures, and always marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.webui.conftest import Webui

PIXELS = np.zeros((16, 24, 3), np.uint8)
INFOTEXT = "a man <lora:ana:1>\nNegative prompt: blurry\nSteps: 20, Sampler: Euler, Seed: 7"
SOURCE = b"http://cv.iptc.org/newscodes/digitalsourcetype/"


@pytest.fixture
def options(webui: Webui) -> Any:
    return webui.module("modules.shared").opts


def save(folder: Path, stem: str = "01-7", infotext: str = INFOTEXT) -> Path:
    from facechain_ext.webui.host.saving import save

    return save(PIXELS, infotext, folder, stem)


def test_names_folders_and_format_are_the_users(options: Any, tmp_path: Path) -> None:
    assert save(tmp_path) == tmp_path / "00000-7.png"
    assert save(tmp_path) == tmp_path / "00001-7.png"
    options.samples_filename_pattern, options.save_to_dirs = "[seed]-[prompt]-[steps]", True
    options.samples_format = "webp"
    assert save(tmp_path) == tmp_path / "Euler" / "00000-7-a man-20.webp"


def test_what_was_set_aside_says_why(options: Any, tmp_path: Path) -> None:
    assert save(tmp_path, "no_face-7") == tmp_path / "00000-7-no_face.png"


def test_a_picture_without_settings_is_named_by_its_stem(options: Any, tmp_path: Path) -> None:
    assert save(tmp_path, infotext="again") == tmp_path / "00000-7.png"


@pytest.mark.parametrize("infotexts", [True, False])
@pytest.mark.parametrize("file_format", ["png", "jpg", "webp", "JPEG", "bmp"])
def test_the_marker_is_there_whatever_the_settings(
    options: Any, tmp_path: Path, file_format: str, infotexts: bool
) -> None:
    options.samples_format, options.enable_pnginfo = file_format, infotexts
    path = save(tmp_path)
    assert path.suffix == (".png" if file_format == "bmp" else f".{file_format.lower()}")
    assert path.read_bytes().count(SOURCE) == 1
    with Image.open(path) as image:
        assert image.size == (24, 16)
        if path.suffix == ".png":
            assert ("parameters" in image.info) is infotexts
