"""The folder of a job: what was uploaded for it until its turn, and the pictures of its events."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from facechain_ext.base.errors import InvalidInput, reason

ABANDONED = 3600.0
"""Seconds after which a folder that no job has is left over from a crash."""


@dataclass(frozen=True)
class JobFiles:
    """The folders of all jobs, by id."""

    root: Path

    def folder(self, job_id: str) -> Path:
        return self.root / job_id

    def keep_uploads(self, job_id: str, photos: Sequence[Path]) -> None:
        """Take photos over, each under its own name; raises InvalidInput for one that is gone."""
        for place, photo in enumerate(photos):
            target = self._uploads(job_id) / f"{place:03d}" / photo.name
            target.parent.mkdir(parents=True)
            try:
                _link_or_copy(photo, target)
            except OSError as error:
                self.remove(job_id)
                raise InvalidInput(f"{photo.name} cannot be read: {reason(error)}.") from error

    def uploads(self, job_id: str) -> tuple[Path, ...]:
        return tuple(sorted(self._uploads(job_id).glob("*/*")))

    def forget_uploads(self, job_id: str) -> None:
        shutil.rmtree(self._uploads(job_id), ignore_errors=True)

    def remove(self, job_id: str) -> None:
        shutil.rmtree(self.folder(job_id), ignore_errors=True)

    def remove_others(self, known: Collection[str]) -> None:
        """Remove the folders that belong to no job, unless one is just being made."""
        for folder in self.root.iterdir() if self.root.is_dir() else ():
            if folder.name not in known and time.time() - folder.stat().st_mtime > ABANDONED:
                self.remove(folder.name)

    def _uploads(self, job_id: str) -> Path:
        return self.folder(job_id) / "uploads"


def _link_or_copy(source: Path, target: Path) -> None:
    """Have a file's content under a second name, whatever becomes of the first one."""
    try:
        os.link(source.resolve(strict=True), target)
    except OSError:
        shutil.copyfile(source, target)


def digest_of(told: str, photos: Sequence[Path]) -> str:
    """Return a digest of what was asked for, photos by what is in them."""
    total = sha256(told.encode("utf-8"))
    for photo in photos:
        total.update(sha256(photo.read_bytes()).digest())
    return total.hexdigest()
