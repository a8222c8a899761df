"""LoRAs by the names that prompts use: the file's, or the alias that its metadata gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from facechain_ext.base.errors import InvalidInput
from facechain_ext.imaging.files import files_in
from facechain_ext.lora.checkpoint import read_metadata


def lora_files(folder: Path) -> Iterator[Path]:
    """Yield all LoRA files in a folder, in linked subfolders too, in the order of their names."""
    found = (path for path in files_in(folder) if not path.name.startswith("."))
    return (path for path in found if path.suffix.lower() == ".safetensors")


def find_lora(name: str, folder: Path) -> Path | None:
    """Find a LoRA by its file's name, else by an alias that only one file has; None for neither."""
    files = list(lora_files(folder))
    if (by_name := next((path for path in files if path.stem == name), None)) is not None:
        return by_name
    named = [path for path in files if alias_of(path) == name]
    return named[0] if len(named) == 1 else None


def alias_of(path: Path) -> str:
    """Read a file's alias; empty where it has none, as a damaged one among many."""
    try:
        return read_metadata(path).get("ss_output_name", "")
    except InvalidInput:
        return ""
