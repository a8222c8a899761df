"""Places as people give them: expanded, looked into, tried before work begins."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from facechain_ext.base.errors import InvalidInput, quoted, reason
from facechain_ext.imaging.files import list_photos
from facechain_ext.standalone.diffusers_host import default_data_dir

LAST_PORT = 65535


def path(text: str) -> Path:
    """Read an argument; an empty one, as an unset variable gives, would be this very folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("must be a path, not empty")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"names a home folder that is unknown: {text}") from error


def port(text: str) -> int:
    """Read the number of a port."""
    if not (text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= LAST_PORT):
        raise argparse.ArgumentTypeError(f"must be from 1 to {LAST_PORT}, not {quoted(text)}")
    return int(text)


def data_dir(chosen: Path | None) -> Path:
    """Return the folder that everything is kept in; raises InvalidInput without a home folder."""
    if chosen is not None:
        return chosen
    try:
        return default_data_dir()
    except RuntimeError as error:
        raise InvalidInput(
            "This user has no home folder: say with --data-dir where to keep people and pictures."
        ) from error


def photos_in(arguments: Iterable[Path]) -> list[Path]:
    """Expand folders to the photos in them; raises InvalidInput for what does not exist.

    What a Mac leaves beside each file as `._name` is left out, and so is what was named twice.
    """
    paths: list[Path] = []
    for argument in arguments:
        if not _exists(argument):
            raise InvalidInput(f"{argument} does not exist.")
        paths += list_photos(argument) if argument.is_dir() else [argument]
    photos = [path for path in dict.fromkeys(paths) if not path.name.startswith("._")]
    if not photos:
        raise InvalidInput("No photos there: give .jpg, .png, .webp or .heic files, or a folder.")
    return photos


def require_writable(folder: Path) -> None:
    """Try to write to a folder, and leave no trace; raises InvalidInput with what is in the way."""
    try:
        missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        finally:
            for made in missing:
                with suppress(OSError):
                    made.rmdir()
    except OSError as error:
        raise InvalidInput(f"Nothing can be written to {folder}: {reason(error)}.") from error


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be looked at: {reason(error)}.") from error
