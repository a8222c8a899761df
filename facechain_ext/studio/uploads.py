"""Photos as they are handed over: decoded, or with the reason why they cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Photo
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset.prepare import Unreadable
from facechain_ext.imaging.files import read_photo

Upload = Photo | Unreadable


def read_uploads(paths: Sequence[Path], config: PrepareConfig) -> list[Upload]:
    """Decode photos; one that cannot be read stays in the list with its error."""
    return [_read_upload(path, config.max_megapixels) for path in paths]


def _read_upload(path: Path, max_megapixels: float) -> Upload:
    try:
        return read_photo(path, max_megapixels=max_megapixels)
    except InvalidInput as error:
        return Unreadable(path.name, error)
