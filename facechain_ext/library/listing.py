"""Who is in a library: each manifest is read when it is new or has changed, and not again."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from facechain_ext.base.errors import FaceChainError
from facechain_ext.library.manifest import MANIFEST
from facechain_ext.library.person import Person

NAME_IN_MANIFEST = re.compile(r'"name"\s*:\s*"((?:[^"\\]|\\.)*)"')
LORA_IN_MANIFEST = re.compile(r'"lora"\s*:\s*"([^"\\/]+)"')

ONE_MOMENT = 3 * 10**9
"""Nanoseconds that two changes of a file may lie apart and yet have one time: FAT counts by 2 s."""


@dataclass(frozen=True)
class Damaged:
    """A person whose manifest cannot be read; name, loras: what can still be made out of it."""

    folder: Path
    name: str
    error: FaceChainError
    loras: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        return self.folder.name


@dataclass(frozen=True)
class Look:
    """Who was there; mark: another one in this process when any manifest is another."""

    found: list[Person | Damaged]
    mark: int


class Listing:
    """Remembers the people of one library; any threads may ask it."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, Person]] = {}
        self._held = threading.local()

    @contextmanager
    def held(self, root: Path) -> Iterator[Look]:
        """Let this thread see one look until the end, however often it asks."""
        before: Look | None = getattr(self._held, "look", None)
        self._held.look = before or self._look(root)
        try:
            yield self._held.look
        finally:
            self._held.look = before

    def everybody(self, root: Path) -> list[Person | Damaged]:
        """Return all who have a folder with a manifest, by folder name."""
        look: Look | None = getattr(self._held, "look", None)
        return list((look or self._look(root)).found)

    def _look(self, root: Path) -> Look:
        try:
            names = sorted(name for name in os.listdir(root) if name[0] != ".")  # noqa: PTH208
        except (FileNotFoundError, NotADirectoryError):
            return Look([], 0)
        looked, before = time.time_ns(), self._known
        found: list[Person | Damaged] = []
        known: dict[str, tuple[object, Person]] = {}
        versions: list[object] = []
        # Texts: ten thousand paths take longer to make than to look at.
        start, end = f"{root}{os.sep}", f"{os.sep}{MANIFEST}"
        for name in names:
            try:
                stat = os.stat(start + name + end)  # noqa: PTH116
            except OSError:
                if os.path.lexists(start + name + end):
                    found.append(_read(root / name))
                continue
            version = stat.st_mtime_ns, stat.st_size, stat.st_ino, stat.st_ctime_ns
            versions.append((name, version))
            entry = before.get(name)
            who = entry[1] if entry is not None and entry[0] == version else _read(root / name)
            found.append(who)
            # Not where it may change once more within what the file system takes for one moment,
            # and not what could not be read, which another time it may be.
            if looked - stat.st_mtime_ns > ONE_MOMENT and isinstance(who, Person):
                known[name] = version, who
        self._known = known
        return Look(found, hash(tuple(versions)))


def _read(folder: Path) -> Person | Damaged:
    try:
        return Person.read(folder)
    except FaceChainError as error:
        text = _text_of(folder / MANIFEST)
        name = NAME_IN_MANIFEST.search(text)
        loras = tuple(LORA_IN_MANIFEST.findall(text))
        return Damaged(folder, name[1].replace('\\"', '"') if name else "", error, loras)


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return ""
