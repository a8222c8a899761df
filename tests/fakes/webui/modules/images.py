"""Saving, as the webui does it: an existing file of that name is replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL.PngImagePlugin import PngInfo


def save_image(
    image: Any,
    path: str,
    basename: str,
    seed: int | None = None,
    prompt: str | None = None,
    extension: str = "png",
    info: str | None = None,
    short_filename: bool = False,
    no_prompt: bool = False,
    grid: bool = False,
    pnginfo_section_name: str = "parameters",
    p: Any = None,
    existing_info: dict[str, str] | None = None,
    forced_filename: str | None = None,
    suffix: str = "",
    save_to_dirs: bool | None = None,
) -> tuple[str, str | None]:
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{forced_filename}.{extension}"
    text = PngInfo()
    for key, value in {**(existing_info or {}), pnginfo_section_name: info}.items():
        text.add_text(key, str(value))
    image.save(file, pnginfo=text)
    return str(file), None
