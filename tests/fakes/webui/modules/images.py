"""Saving, as the webui does it: its settings choose the folder, the name and the format."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from typing import Any

from PIL.PngImagePlugin import PngInfo

from modules import shared


def get_font(fontsize: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default()


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
    opts = shared.opts
    values = {
        "seed": seed,
        "prompt": prompt,
        "steps": p and p.steps,
        "sampler": p and p.sampler_name,
    }

    def named(pattern: str) -> str:
        return re.sub(r"\[(\w+)\]", lambda found: str(values[found[1]]), pattern)

    folder = Path(path)
    if opts.save_to_dirs if save_to_dirs is None else save_to_dirs:
        folder /= named(opts.directories_filename_pattern)
    folder.mkdir(parents=True, exist_ok=True)
    if forced_filename is None:
        decoration = named(opts.samples_filename_pattern) + suffix
        numbered = (f"{number:05}-{decoration}" for number in count())
        forced_filename = next(n for n in numbered if not (folder / f"{n}.{extension}").exists())
    file = folder / f"{forced_filename}.{extension}"
    text = PngInfo()
    for key, value in {**(existing_info or {}), pnginfo_section_name: info}.items():
        text.add_text(key, str(value))
    image.save(file, **({"pnginfo": text} if opts.enable_pnginfo else {}))
    return str(file), None
