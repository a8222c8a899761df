"""Where a library and what belongs to it lie, and who is found there."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from facechain_ext.imaging.files import files_in
from facechain_ext.library.listing import Damaged, Listing
from facechain_ext.library.manifest import Run
from facechain_ext.library.person import Person

__all__ = ["BESIDE", "OUTBOX", "Damaged", "Places", "move"]

OUTBOX = ".outbox"
"""In a person's folder: lora/ and portraits/ on their way, run.json the LoRA's entry."""

BESIDE = re.compile(
    r"(\.safetensors|\.json|(\.description)?\.txt|(\.civitai)?\.info"
    r"|(\.preview)?\.(png|jpe?g|webp|gif|avif|mp4))$"
)
"""Ends of a LoRA's file and of what the webuis lay beside it."""


@dataclass(frozen=True)
class Places:
    """All people lie under root; lora_dir and output_dir are where their results go."""

    root: Path
    lora_dir: Path
    output_dir: Path
    _listing: Listing = field(default_factory=Listing, init=False, repr=False, compare=False)

    def everybody(self) -> list[Person | Damaged]:
        """Return all who have a folder with a manifest, by folder name.

        A manifest that has not changed is not read again.
        """
        return self._listing.everybody(self.root)

    @contextmanager
    def at_one_look(self) -> Iterator[int]:
        """Let this thread see everybody as they are now until the end, and look no more.

        Yields a number that is another one in this process when any manifest is another.
        """
        with self._listing.held(self.root) as look:
            yield look.mark

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


def _stem_of(path: Path) -> str:
    """Return the name that a LoRA shares with what webuis lay beside it (x.json, x.preview.png)."""
    return BESIDE.sub("", path.name)
