"""Where a library and what belongs to it lie, and who is found there."""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from facechain_ext.base.errors import FaceChainError
from facechain_ext.imaging.files import files_in
from facechain_ext.library.manifest import MANIFEST, Run
from facechain_ext.library.person import Person

OUTBOX = ".outbox"
"""In a person's folder: lora/ and portraits/ on their way, run.json the LoRA's entry."""

NAME_IN_MANIFEST = re.compile(r'"name"\s*:\s*"((?:[^"\\]|\\.)*)"')
LORA_IN_MANIFEST = re.compile(r'"lora"\s*:\s*"([^"\\/]+)"')

BESIDE = re.compile(
    r"(\.safetensors|\.json|(\.description)?\.txt|(\.civitai)?\.info"
    r"|(\.preview)?\.(png|jpe?g|webp|gif|avif|mp4))$"
)
"""Ends of a LoRA's file and of what the webuis lay beside it."""


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
class Places:
    """All people lie under root; lora_dir and output_dir are where their results go."""

    root: Path
    lora_dir: Path
    output_dir: Path
    _read_before: dict[str, tuple[object, Person | Damaged]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def everybody(self) -> list[Person | Damaged]:
        """Return all who have a folder with a manifest, by folder name.

        A manifest that has not changed is not read again.
        """
        try:
            with os.scandir(self.root) as entries:
                shown = sorted((e.name, e.path) for e in entries if not e.name.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            return []
        # Texts: ten thousand paths take longer to make than to look at.
        found = (self._known(name, f"{folder}{os.sep}{MANIFEST}") for name, folder in shown)
        return [person for person in found if person is not None]

    def _known(self, name: str, manifest: str) -> Person | Damaged | None:
        """Read somebody, or return who was read before; None where there is no manifest."""
        looked = time.time_ns()
        try:
            stat = os.stat(manifest)  # noqa: PTH116
        except OSError:
            return _read(self.root / name) if os.path.lexists(manifest) else None
        version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        before = self._read_before.get(name)
        if before is not None and before[0] == version:
            return before[1]
        person = _read(self.root / name)
        # Not where it may change once more within what the file system takes for one moment.
        if looked - stat.st_mtime_ns > ONE_MOMENT:
            self._read_before[name] = (version, person)
        return person

    def lora_files(self, person: Person | Damaged) -> list[Path]:
        """Return the LoRA files of a person's runs that exist, and what lies beside each.

        By the manifest and by the folders of runs: a LoRA is never left because it is not listed.
        """
        if isinstance(person, Person):
            listed = {Path(run.lora).stem for run in person.manifest.runs}
        else:
            listed = {Path(name).stem for name in person.loras}
        runs = person.folder / "runs"
        begun = {f"{person.slug}-{f.name}" for f in runs.glob("[!.]*")} if runs.is_dir() else set()
        stems = listed | begun
        return sorted(path for path in self._lora_dir_files() if _stem_of(path) in stems)

    def lora_file(self, run: Run) -> Path:
        """Return where a run's LoRA is: in the LoRA folder, or below it if it was put there."""
        path = self.lora_dir / Path(run.lora).name
        if path.is_file():
            return path
        return next((p for p in self._lora_dir_files() if p.name == path.name), path)

    def _lora_dir_files(self) -> Iterator[Path]:
        return files_in(self.lora_dir)

    def portrait_folders(self, person: Person | Damaged) -> list[Path]:
        """Return the folders that hold a person's portraits: two while a rename is under way."""
        former = person.manifest.moving if isinstance(person, Person) else ()
        names = dict.fromkeys((person.slug, *former))
        return [self.output_dir / name for name in names if (self.output_dir / name).is_dir()]


def move(source: Path, target: Path) -> None:
    """Move a file, to another disk too: what is there under its name is always whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, part)
        part.replace(target)
        source.unlink()


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


def _stem_of(path: Path) -> str:
    """Return the name that a LoRA shares with what webuis lay beside it (x.json, x.preview.png)."""
    return BESIDE.sub("", path.name)
