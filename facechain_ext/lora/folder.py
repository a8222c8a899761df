"""LoRAs by the names that prompts use: the file's, or the alias that its metadata gives."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from facechain_ext.base.errors import InvalidInput
from facechain_ext.lora.checkpoint import read_metadata


def lora_files(folder: Path) -> Iterator[Path]:
    """Yield all LoRA files in a folder, in linked subfolders too, in the order of their names."""
    seen = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        found = (Path(place, name) for name in sorted(names) if not name.startswith("."))
        yield from (path for path in found if path.suffix.lower() == ".safetensors")


def find_lora(name: str, folder: Path) -> Path | None:
    """Find a LoRA by its file's name, else by an alias that only one file has; None for neither."""
    files = list(lora_files(folder))
    if (by_name := next((path for path in files if path.stem == name), None)) is not None:
        return by_name
    named = [path for path in files if _alias(path) == name]
    return named[0] if len(named) == 1 else None


def _alias(path: Path) -> str | None:
    """Read a file's alias; a damaged one among many has none."""
    try:
        return read_metadata(path).get("ss_output_name")
    except InvalidInput:
        return None
