"""A person as one zip file or folder, out of the library and into one.

`<slug>/` holds the person's folder as it is, with the portraits in portraits/ and the LoRAs in
lora/. What comes in is not trusted: names, sizes and numbers are checked.
"""

from __future__ import annotations

import os
import re
import struct
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from facechain_ext.base.errors import InvalidInput
from facechain_ext.imaging.files import files_in, write_atomic
from facechain_ext.library.manifest import MANIFEST, Manifest
from facechain_ext.library.names import RESERVED_ON_WINDOWS
from facechain_ext.library.person import Person
from facechain_ext.library.places import BESIDE, OUTBOX, Places
from facechain_ext.library.settling import EXPORT

MOST_FILES = 20_000
MOST_BYTES = 20 * 2**30
MOST_BYTES_OF_A_MANIFEST = 2**24
AT_ONCE = 2**20

PACKED = {".png", ".jpg", ".npz", ".safetensors"}
"""Kinds of files that do not get smaller."""

NO_FILE_NAME = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')
DAMAGE = (
    OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip


def export(places: Places, person: Person, archive: Path) -> Path:
    """Write a zip file at once or not at all; called with the library's lock held.

    Raises InvalidInput for a file that is there already and a place that cannot be written.
    """
    archive = archive.absolute()
    if archive.exists():
        raise InvalidInput(f"{archive} exists already; choose another file name.")
    if not archive.parent.is_dir():
        raise InvalidInput(f"There is no folder {archive.parent}; make it first.")
    unfinished = archive.with_name(f".{uuid.uuid4().hex}.part")
    noted = places.root / f"{EXPORT}{uuid.uuid4().hex}"
    try:
        write_atomic(noted, os.fsencode(unfinished))  # so that a crash leaves no photos there
        _write(places, person, unfinished)
        unfinished.replace(archive)
    except OSError as error:
        raise InvalidInput(f"{archive} could not be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
        noted.unlink(missing_ok=True)
    return archive


def _write(places: Places, person: Person, unfinished: Path) -> None:
    # Files may be older than zip, which begins in 1980.
    with zipfile.ZipFile(unfinished, "w", strict_timestamps=False) as zipped:
        for path, name in _contents(places, person):
            kind = zipfile.ZIP_STORED if path.suffix in PACKED else zipfile.ZIP_DEFLATED
            inside = PurePosixPath(person.slug, *name.parts).as_posix()
            zipped.write(path, inside.encode("utf-8", "replace").decode(), kind)


def _contents(places: Places, person: Person) -> Iterator[tuple[Path, PurePosixPath]]:
    for folder, below in (
        (person.folder, ""),
        *((folder, "portraits") for folder in places.portrait_folders(person)),
    ):
        for path in files_in(folder):
            inside = path.relative_to(folder)
            if not _is_hidden(inside.parts):
                yield path, PurePosixPath(below, *inside.parts)
    loras = {path.name: path for path in places.lora_files(person)}
    for name, path in loras.items():
        yield path, PurePosixPath("lora", name)


@dataclass(frozen=True)
class Entry:
    """One file of an export: its name inside and how it is read."""

    name: PurePosixPath
    open: Callable[[], IO[bytes]]


def unpack(source: Path, folder: Path, lora_folder: str) -> Manifest:
    """Write an export into a folder, with LoRAs and portraits in its outbox; return the manifest.

    Raises InvalidInput for what is no export or has more than an export may have, LibraryTooNew.
    """
    if not source.exists():
        raise InvalidInput(f"{source} does not exist.")
    try:
        if source.is_dir():
            return _unpack([*_in_folder(source)], folder, lora_folder, source)
        with zipfile.ZipFile(source) as zipped:
            return _unpack([*_in_zip(zipped)], folder, lora_folder, source)
    except DAMAGE as error:
        raise InvalidInput(f"{source} is damaged or no export: {error}") from error


def _in_folder(source: Path) -> Iterator[Entry]:
    for path in files_in(source):
        if path.is_symlink() or not path.resolve().is_relative_to(source.resolve()):
            raise InvalidInput(f"{path} is a link; an export holds none.")
        yield Entry(PurePosixPath(*path.relative_to(source).parts), partial(_opened, path))


def _opened(path: Path) -> IO[bytes]:
    return path.open("rb")


def _in_zip(zipped: zipfile.ZipFile) -> Iterator[Entry]:
    for info in zipped.infolist():
        if (info.external_attr >> 16) & 0o170000 == 0o120000:
            raise InvalidInput(f"{info.filename!r} is a link; an export holds none.")
        if not info.is_dir():
            _require_inside(info.filename)
            yield Entry(PurePosixPath(info.filename), partial(zipped.open, info))


def _require_inside(name: str) -> None:
    parts = name.split("/")
    odd = any(
        part in ("", ".", "..") or NO_FILE_NAME.search(part) or len(part) > 200
        or RESERVED_ON_WINDOWS.fullmatch(part.partition(".")[0].lower())
        for part in parts
    )  # fmt: skip
    if odd:
        raise InvalidInput(f"{name!r} cannot be a file of an export.")


def _unpack(entries: list[Entry], folder: Path, lora_folder: str, source: Path) -> Manifest:
    if len(entries) > MOST_FILES:
        raise InvalidInput(f"{source} holds {len(entries)} files; {MOST_FILES} are the most.")
    entries = [entry for entry in entries if not _is_hidden(entry.name.parts)]
    manifests = [e for e in entries if e.name.name == MANIFEST and len(e.name.parts) <= 2]
    if len(manifests) != 1:
        raise InvalidInput(f"{source} is no export: it holds {len(manifests)} {MANIFEST}, not one.")
    top = manifests[0].name.parent
    with manifests[0].open() as stream:
        text = stream.read(MOST_BYTES_OF_A_MANIFEST).decode("utf-8")
    manifest = replace(Manifest.from_json(text), moving=())
    left, seen = MOST_BYTES, set[str]()
    for entry in entries:
        target = _target(entry, top, manifest, lora_folder)
        if target is None:
            continue
        if (key := target.as_posix().lower()) in seen:
            raise InvalidInput(f"{source} holds {entry.name} twice.")
        seen.add(key)
        left -= _copy(entry, folder / target, left)
        if left < 0:
            raise InvalidInput(f"{source} holds more than {MOST_BYTES // 2**30} GiB.")
    return manifest


def _target(
    entry: Entry, top: PurePosixPath, manifest: Manifest, lora_folder: str
) -> PurePosixPath | None:
    """Return where a file goes inside the person's folder; None for what is not wanted."""
    if not entry.name.is_relative_to(top):
        return None
    inside = entry.name.relative_to(top)
    if inside.parts[0] == "lora":
        listed = {Path(run.lora).stem for run in manifest.runs}
        is_listed = len(inside.parts) == 2 and BESIDE.sub("", inside.name) in listed
        return PurePosixPath(OUTBOX, "lora", lora_folder, inside.name) if is_listed else None
    if inside.parts[0] == "portraits":
        return PurePosixPath(OUTBOX, *inside.parts)
    return inside


def _copy(entry: Entry, target: Path, most: int) -> int:
    """Write a file and return its size; no more than `most` and a block."""
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with entry.open() as stream, target.open("xb") as out:
        while size <= most and (block := stream.read(AT_ONCE)):
            out.write(block)
            size += len(block)
    return size


def with_free_loras(places: Places, draft: Person) -> Person:
    """Give LoRAs whose name is taken in the LoRA folder another one, in files and manifest."""
    taken = {path.name.lower() for path in files_in(places.lora_dir)}
    coming = [*files_in(draft.folder / OUTBOX / "lora")]
    runs = []
    for run in draft.manifest.runs:
        stem = wish = Path(run.lora).stem
        number = 2
        while f"{stem}.safetensors".lower() in taken:
            stem, number = f"{wish}-{number}", number + 1
        for path in coming:
            if BESIDE.sub("", path.name) == wish and stem != wish:
                path.rename(path.with_name(stem + path.name.removeprefix(wish)))
        taken.add(f"{stem}.safetensors".lower())
        runs.append(replace(run, lora=f"{stem}.safetensors"))
    return Person(draft.folder, replace(draft.manifest, runs=tuple(runs)))


def _is_hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)
