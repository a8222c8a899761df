"""The files of an export, zipped or unpacked: nothing of them is trusted."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.imaging.files import files_in
from facechain_ext.library.names import RESERVED_ON_WINDOWS

DENSE_FROM, MOST_DENSE = 2**22, 200
"""Bytes from which a file is looked at, and how many times smaller it may lie in a zip; the notes
of a training come to 20 times."""

DEEPEST = 16
LONGEST_ENTRY = 4096
"""Bytes that one file takes in a zip's list of files: its name, and what stands beside that."""

LIST_END, LIST_END_64, LIST_END_PLACE_64 = b"PK\5\6", b"PK\6\6", b"PK\6\7"
KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
NO_FILE_NAME = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')


@dataclass(frozen=True)
class Entry:
    """One file of an export: its name inside and how it is read."""

    name: PurePosixPath
    open: Callable[[], IO[bytes]]


def entries_of_folder(source: Path) -> Iterator[Entry]:
    """Yield the files of a folder; raises InvalidInput for what is none, or lies elsewhere."""
    for path in files_in(source):
        name = path.relative_to(source).as_posix()
        if path.is_symlink() or not path.resolve().is_relative_to(source.resolve()):
            raise InvalidInput(f"{quoted(name)} is a link; an export holds none.")
        if not path.is_file():
            raise InvalidInput(f"{quoted(name)} is no plain file; an export holds none else.")
        yield Entry(PurePosixPath(name), partial(_opened, path))


def _opened(path: Path) -> IO[bytes]:
    return path.open("rb")


def require_short_list(source: Path, most: int) -> None:
    """Raise InvalidInput for a zip whose list of files, were it read, is longer than that of so
    many files can be."""
    with source.open("rb") as stream:
        size = stream.seek(0, 2)
        start = max(0, size - 2**16 - 256)
        stream.seek(start)
        tail = stream.read()
        end = tail.rfind(LIST_END)
        listed = _number(tail, end + 12, "<L") if end >= 0 else 0
        place = end - 20
        if place >= 0 and tail.startswith(LIST_END_PLACE_64, place):
            stream.seek(min(_number(tail, place + 8, "<Q"), size))
            record = stream.read(56)
            listed = _number(record, 40, "<Q") if record.startswith(LIST_END_64) else listed
    if listed > most * LONGEST_ENTRY:
        raise InvalidInput(f"{source.name} lists more than {most} files.")


def _number(data: bytes, place: int, kind: str) -> int:
    size = struct.calcsize(kind)
    return int.from_bytes(data[place : place + size], "little")


def entries_of_zip(zipped: zipfile.ZipFile, size: int, most: int) -> list[Entry]:
    """Return the files of a zip, of which nothing is unpacked yet.

    size, most: bytes that the zip has, and that its files may have. Raises InvalidInput for a file
    that leads outside or is a link, and for what unpacks to more than an export may.
    """
    found = [info for info in zipped.infolist() if not info.is_dir()]
    for info in zipped.infolist():
        if (info.external_attr >> 16) & 0o170000 == 0o120000:
            raise InvalidInput(f"{quoted(info.filename)} is a link; an export holds none.")
    if sum(info.compress_size for info in found) > size:
        raise InvalidInput("The files of this zip come to more than lies in the file.")
    if sum(info.file_size for info in found) > most:
        raise InvalidInput(f"The files of this zip come to more than {most / 2**30:g} GiB.")
    for info in found:
        _require_inside(info.filename)
        _require_no_bomb(info)
    return [Entry(PurePosixPath(info.filename), partial(zipped.open, info)) for info in found]


def _require_inside(name: str) -> None:
    parts = name.split("/")
    odd = len(parts) > DEEPEST or any(
        part in ("", ".", "..") or NO_FILE_NAME.search(part) or len(part) > 200
        or RESERVED_ON_WINDOWS.fullmatch(part.partition(".")[0].lower())
        for part in parts
    )  # fmt: skip
    if odd:
        raise InvalidInput(f"{quoted(name)} cannot be a file of an export.")


def _require_no_bomb(info: zipfile.ZipInfo) -> None:
    if info.compress_type not in KINDS:
        raise InvalidInput(f"{quoted(info.filename)} is packed in a way that no export is.")
    if info.file_size > max(DENSE_FROM, MOST_DENSE * info.compress_size):
        raise InvalidInput(
            f"{quoted(info.filename)} would unpack to more than {MOST_DENSE} times its size."
        )
