"""What gradio's folder holds of a person: files that a page was handed, and copies of them."""

from __future__ import annotations

import filecmp
import hashlib
import logging
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from facechain_ext.library.names import identity
from facechain_ext.ui.page.compat import temp_dir

logger = logging.getLogger(__name__)


def folder_for(name: str) -> Path:
    """Make a folder that gradio may serve from, for files of one person."""
    temp_dir().mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"facechain.{_mark(name)}.", dir=temp_dir()))


def _mark(name: str) -> str:
    """Return what stands for one person, and nobody else, in the names of folders."""
    return hashlib.sha256(identity(name).encode("utf-8", "replace")).hexdigest()[:16]


def handed_out(name: str) -> Iterator[Path]:
    """Yield the files in the person's folders."""
    for folder in temp_dir().glob(f"facechain.{_mark(name)}.*"):
        yield from _files(folder)


def copies_of(originals: Iterable[Path]) -> set[Path]:
    """Find the files in gradio's folder that have the content of one of these, themselves too.

    gradio copies every picture that it shows or is given, under names of its own.
    """
    by_size: defaultdict[int, list[Path]] = defaultdict(list)
    for path in _files(temp_dir()):
        by_size[_size(path)].append(path)
    return {
        copy
        for original in originals
        for copy in by_size.get(_size(original), ())
        if _is_same(original, copy)
    }


def remove(copies: Iterable[Path]) -> None:
    """Remove files of gradio's folder, and the folders that are empty then."""
    for path in copies:
        _remove(path)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
        if path.parent != temp_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()
    except OSError as error:  # being sent at the moment, on Windows
        logger.warning("A copy could not be removed: %s", error)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _is_same(one: Path, other: Path) -> bool:
    try:
        return filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False
