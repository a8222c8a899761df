"""A person as one zip file or folder, out of the library and into one.

`<slug>/` holds the person's folder as it is, with the portraits in portraits/ and the LoRAs in
lora/. What comes in is not trusted: names, sizes and numbers are checked.
"""

from __future__ import annotations

import os
import struct
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath

from facechain_ext.base.errors import InvalidInput, reason
from facechain_ext.imaging.files import files_in, write_atomic
from facechain_ext.library.entries import (
    Entry,
    entries_of_folder,
    entries_of_zip,
    require_short_list,
)
from facechain_ext.library.manifest import MANIFEST, Manifest
from facechain_ext.library.person import Person
from facechain_ext.library.places import BESIDE, OUTBOX, Places
from facechain_ext.library.settling import EXPORT

MOST_FILES = 20_000
MOST_BYTES = 20 * 2**30
MOST_BYTES_OF_A_MANIFEST = 2**24
AT_ONCE = 2**20

PACKED = {".png", ".jpg", ".npz", ".safetensors"}
"""Kinds of files that do not get smaller."""

DAMAGE = (
    EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error, struct.error,
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
            with suppress(FileNotFoundError):  # a training removes its older states meanwhile
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


def unpack(source: Path, folder: Path, lora_folder: str) -> Manifest:
    """Write an export into a folder, with LoRAs and portraits in its outbox; return the manifest.

    Raises InvalidInput for what is no export or has more than an export may have, LibraryTooNew.
    """
    if not source.exists():
        raise InvalidInput(f"{source.name} does not exist.")
    try:
        if source.is_dir():
            found = [*entries_of_folder(source)]
            _require_few(len(found), source.name)
            return _unpack(found, folder, lora_folder, source.name)
        require_short_list(source, MOST_FILES)
        with zipfile.ZipFile(source) as zipped:
            _require_few(len(zipped.infolist()), source.name)
            found = entries_of_zip(zipped, source.stat().st_size, MOST_BYTES)
            return _unpack(found, folder, lora_folder, source.name)
    except OSError as error:
        raise InvalidInput(f"{source.name} could not be unpacked: {reason(error)}.") from error
    except DAMAGE as error:
        raise InvalidInput(f"{source.name} is damaged or no export: {error}") from error


def _require_few(files: int, source: str) -> None:
    if files > MOST_FILES:
        raise InvalidInput(f"{source} holds {files} files; {MOST_FILES} are the most.")


def _unpack(entries: list[Entry], folder: Path, lora_folder: str, source: str) -> Manifest:
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
            raise InvalidInput(f"{source} holds more than {MOST_BYTES / 2**30:g} GiB.")
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
