"""Where weight files lie, and whether they are what they should be."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from facechain_ext.base.errors import WeightsMissing
from facechain_ext.imaging.files import write_atomic

WEIGHTS_DIR = Path(__file__).resolve().parent.parent / "weights"


def weight_path(name: str) -> Path:
    """Return a shipped weight file; raises WeightsMissing when it is not there."""
    path = WEIGHTS_DIR / name
    if not path.is_file():
        raise WeightsMissing(f"{name} is missing from {WEIGHTS_DIR}: install this extension again.")
    return path


def bring(name: str, folder: Path) -> bool:
    """Copy a shipped file to where a host looks for its like; tell whether it was not there yet.

    Raises WeightsMissing.
    """
    source = weight_path(name)
    target = folder / source.name
    if target.is_file() and target.stat().st_size == source.stat().st_size:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(target, source.read_bytes())
    return True


def verify(path: Path, sha256: str) -> None:
    """Raise WeightsMissing unless the file has this content; read once for as long as it stays."""
    if not path.is_file():
        raise WeightsMissing(f"{path.name} is missing from {path.parent}.")
    status = path.stat()
    if _digest(path, status.st_size, status.st_mtime_ns) != sha256:
        raise WeightsMissing(f"{path} is damaged or was changed: remove it and get it again.")


@functools.lru_cache(maxsize=64)
def _digest(path: Path, size: int, modified: int) -> str:
    """Hash a file; size and time are there to tell changed files apart."""
    del size, modified
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
        return digest.hexdigest()
