"""Pictures of one size in a row, as one JPEG file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facechain_ext.base.records import Pixels
from facechain_ext.imaging.files import decode, encode_jpeg, write_atomic

QUALITY = 95


def save_strip(path: Path, pictures: Sequence[Pixels]) -> None:
    """Write square pictures side by side."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, encode_jpeg(np.concatenate(list(pictures), axis=1), quality=QUALITY))


def load_strip(path: Path) -> list[Pixels]:
    """Read back what save_strip wrote."""
    strip = decode(path.read_bytes(), name=path.name)
    return [np.ascontiguousarray(part) for part in np.split(strip, len(strip[0]) // len(strip), 1)]
