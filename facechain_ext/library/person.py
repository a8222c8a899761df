"""One person's folder: who they are, their photos and crops, their trainings.

Layout: person.json (manifest), photos/ (uploads, upright, without EXIF), instances/ (crops),
runs/<run>/ (one training each). Between two steps of a change also `.new/` (photos and crops that
are to take the place of the old ones), `.outbox/` (files on their way to other folders) and
`.leaving` (the stem of a photo that is being removed).
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import InvalidInput, NoUsablePhotos, PersonNotFound, quoted
from facechain_ext.base.records import Instance, Photo
from facechain_ext.imaging.encode import encode_jpeg
from facechain_ext.imaging.files import write_atomic
from facechain_ext.library.crops import (
    attributes_in,
    load_crops,
    read_caption,
    remove_crop,
    save_crops,
    visible,
)
from facechain_ext.library.locking import locked
from facechain_ext.library.manifest import MANIFEST, Manifest, Run
from facechain_ext.library.verdicts import (
    PhotoVerdict,
    load_verdicts,
    save_verdicts,
)
from facechain_ext.nets.attributes import vote

LOCK = ".lock"
NEW = ".new"
LEAVING = ".leaving"
DRAFT = ".new-"
"""Begins the folder of somebody whom the library has not taken in yet."""

PARTS = ("photos", "instances")
PATIENCE = 60.0
"""Seconds that a change waits for another one of the same library."""

RUN_NAME = re.compile(r"(\d{8}-\d{6})(?:-(\d+))?")


@dataclass(frozen=True)
class Person:
    """A person of the library: where the files lie and what the manifest said when it was read."""

    folder: Path
    manifest: Manifest

    @classmethod
    def read(cls, folder: Path) -> Person:
        """Read a person's folder; raises InvalidInput naming the file, LibraryTooNew."""
        path = folder / MANIFEST
        try:
            return cls(folder, Manifest.from_json(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise PersonNotFound(f"There is nobody in {folder} any more.") from None
        except (InvalidInput, UnicodeDecodeError, OSError) as error:
            raise InvalidInput(f"{path} is damaged and cannot be read: {error}") from error

    @property
    def slug(self) -> str:
        return self.folder.name

    @property
    def is_draft(self) -> bool:
        return self.folder.name.startswith(DRAFT)

    @property
    def latest_run(self) -> Run | None:
        return self.manifest.runs[-1] if self.manifest.runs else None

    @contextmanager
    def changing(self) -> Iterator[Person]:
        """Hold the library's lock; yields the person as they are now.

        Raises PersonNotFound where somebody else has deleted or renamed them meanwhile.
        """
        if not self.folder.parent.is_dir():
            raise self.gone()
        with locked(self.folder.parent / LOCK, patience=PATIENCE):
            if not self.folder.is_dir():
                raise self.gone()
            there = (self.folder / MANIFEST).is_file()
            now = Person.read(self.folder) if there else self
            if now.manifest.created != self.manifest.created:
                raise self.gone()  # somebody new of the same name
            yield now

    def gone(self) -> PersonNotFound:
        """Return the error of who finds this person no longer there."""
        return PersonNotFound(
            f"{self.manifest.name} was deleted or renamed meanwhile; nothing was kept of this."
        )

    def save(self, **changes: Any) -> Person:
        """Write the manifest as it now stands with these fields changed."""
        with self.changing() as now:
            manifest = replace(now.manifest, **changes)
            write_atomic(self.folder / MANIFEST, manifest.to_json().encode("utf-8"))
            return Person(self.folder, manifest)

    def add_run(self, run: Run) -> Person:
        """List one more LoRA, once."""
        with self.changing() as now:
            known = [other.lora for other in now.manifest.runs]
            return now if run.lora in known else now.save(runs=(*now.manifest.runs, run))

    def as_trained(self, run: Run) -> Manifest:
        """Return the manifest with what a run was trained with: trigger word and attributes."""
        trigger = run.trigger_word or self._recorded_trigger(run)
        attributes = run.attributes or self.manifest.attributes
        return replace(self.manifest, trigger_word=trigger, attributes=attributes)

    def _recorded_trigger(self, run: Run) -> str:
        """Look a trigger word up that an earlier version noted only in the run's own record."""
        record = self.folder / "runs" / run.name / "config.json"
        try:
            word = json.loads(record.read_text(encoding="utf-8"))["trigger_word"]
        except (OSError, ValueError, KeyError, TypeError):
            return self.manifest.trigger_word
        return word if isinstance(word, str) and word else self.manifest.trigger_word

    @property
    def run_folders(self) -> list[Path]:
        """Return the folders of all trainings, finished or not, in the order they were begun."""
        return begun_folders(self.folder)

    def new_run(self) -> Path:
        """Make an empty folder for one training."""
        with self.changing():
            return new_run_folder(self.folder)

    def save_photos(self, photos: Iterable[Photo]) -> None:
        """Keep the uploads, decoded and upright, so that nothing of their EXIF is left.

        They are written beside the old ones, which go when all are there.
        """
        self.save_originals((f"{number:03d}", photo) for number, photo in enumerate(photos))

    def save_originals(self, photos: Iterable[tuple[str, Photo | Path]]) -> None:
        """Do so with the stems of their files; one that is a file already is copied as it is."""
        fresh = self._beside("photos")
        for stem, photo in photos:
            write_atomic(fresh / f"{stem}.jpg", _jpeg(photo))
        self._swap("photos")

    def save_instances(
        self,
        instances: Sequence[Instance],
        verdicts: Sequence[PhotoVerdict] = (),
        *,
        stems: Sequence[str] | None = None,
    ) -> None:
        """Keep crops in place of those that are there, as `save_photos` does, and what was said of
        all photos. stems: what their files are called, numbers unless given."""
        fresh = self._beside("instances")
        save_crops(fresh, instances, stems)
        if verdicts:
            save_verdicts(fresh, verdicts)
        self._swap("instances")

    def _beside(self, part: str) -> Path:
        folder = self.folder / f".{part}.part"
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
        return folder

    def _swap(self, part: str) -> None:
        with self.changing() as now:
            (self.folder / NEW).mkdir(exist_ok=True)
            (self.folder / f".{part}.part").replace(self.folder / NEW / part)
            now.take_new()

    def take_new(self) -> Person:
        """Put what lies in `.new/` in its place; done again after a crash, it goes on.

        Called with the lock held.
        """
        fresh = self.folder / NEW
        (self.folder / LEAVING).unlink(missing_ok=True)  # it was one of the old ones
        for part in PARTS:
            if (fresh / part).is_dir():
                remove_folder(self.folder / part)
                (fresh / part).replace(self.folder / part)
        told = self
        if (fresh / MANIFEST).is_file():
            new = Person.read(fresh).manifest
            told = self.save(trigger_word=new.trigger_word, attributes=new.attributes)
        remove_folder(fresh)
        return told

    def verdicts(self) -> list[PhotoVerdict]:
        """Return what was said of the photos, in their order; of those kept by an earlier version
        that they are used."""
        told = load_verdicts(self.folder / "instances")
        stems = [path.stem for path in visible(self.folder / "instances", ".png")]
        known = {verdict.stem for verdict in told}
        earlier = [PhotoVerdict(s, True, None, "Used.", s) for s in stems if s not in known]
        return [v for v in told if v.stem is None or v.stem in stems] + earlier

    def delete_photo(self, stem: str) -> Person:
        """Remove a photo: its original, its crop, and what was said of it.

        What was trained on it before stays as it is. Raises InvalidInput where there is none.
        """
        with self.changing() as now:
            there = [*now.photos(), *visible(now.folder / "instances", ".png")]
            if stem not in {path.stem for path in there}:
                raise InvalidInput(f"{now.manifest.name} has no photo {quoted(stem)}.")
            write_atomic(now.folder / LEAVING, stem.encode("utf-8"))
            return now.take_leave()

    def take_leave(self) -> Person:
        """Remove the photo that `.leaving` names; done again after a crash, it goes on.

        Called with the lock held.
        """
        crops, note = self.folder / "instances", self.folder / LEAVING
        stem = note.read_text(encoding="utf-8")
        if crops.is_dir():
            save_verdicts(crops, [verdict for verdict in self.verdicts() if verdict.stem != stem])
            remove_crop(crops, stem)
        (self.folder / "photos" / f"{stem}.jpg").unlink(missing_ok=True)
        told = self.save(attributes=vote(attributes_in(crops)))
        note.unlink()
        return told

    def photos(self) -> list[Path]:
        """Return the kept uploads."""
        return visible(self.folder / "photos", ".jpg")

    def captions(self) -> list[Path]:
        """Return the caption files, one per crop, that the user may edit."""
        return visible(self.folder / "instances", ".txt")

    def set_captions(self, captions: Mapping[str, str]) -> None:
        """Change the captions of crops, by the stem of their files.

        Raises InvalidInput, before anything is changed, for a crop that is not there.
        """
        with self.changing():
            known = {path.stem: path for path in self.captions()}
            if unknown := sorted(set(captions) - set(known)):
                raise InvalidInput(
                    f"{self.manifest.name} has no crop {unknown[0]!r}; there are "
                    f"{', '.join(known) or 'none'}."
                )
            for stem, caption in captions.items():
                write_atomic(known[stem], (" ".join(caption.split()) + "\n").encode("utf-8"))

    def caption(self, path: Path) -> str:
        """Read one of `captions`."""
        return read_caption(path)

    def load_instances(self) -> list[Instance]:
        """Read the aligned crops back, with captions as they now stand in their text files.

        Raises InvalidInput naming a file that is damaged.
        """
        if not visible(self.folder / "instances", ".png"):
            return []
        with ExitStack() as held:
            if os.access(self.folder.parent, os.W_OK):  # else nobody changes it meanwhile, either
                with suppress(PermissionError):  # Windows tells it only then
                    held.enter_context(self.changing())
            return load_crops(self.folder / "instances")

    def require_crops(self) -> None:
        """Raise NoUsablePhotos where there is no crop to compare with."""
        if not visible(self.folder / "instances", ".png"):
            raise NoUsablePhotos(
                f"There are no photos of {self.manifest.name} yet: without them nothing can be "
                "compared or blended in. Add photos first."
            )


def _jpeg(photo: Photo | Path) -> bytes:
    return photo.read_bytes() if isinstance(photo, Path) else encode_jpeg(photo.pixels, quality=95)


def remove_folder(folder: Path) -> None:
    """Remove a folder; where it is a link, what it leads to as well."""
    if folder.is_symlink():
        if folder.is_dir():
            shutil.rmtree(folder.resolve())
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def begun_folders(folder: Path) -> list[Path]:
    """Return the folders of the trainings below a folder, in the order they were begun."""
    found = (path for path in (folder / "runs").glob("*") if path.is_dir())
    return sorted((p for p in found if not p.name.startswith(".")), key=_run_order)


def new_run_folder(folder: Path) -> Path:
    """Make an empty folder for one training below a folder, named by the UTC time.

    Whatever the clock says, the name comes after those before it.
    """
    stamp = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
    named = [_run_order(f) for f in begun_folders(folder) if RUN_NAME.fullmatch(f.name)]
    last, number, _ = max(named, default=("", 0, ""))
    run = folder / "runs" / (stamp if stamp > last else f"{last}-{number + 1}")
    run.parent.mkdir(exist_ok=True)
    run.mkdir()
    return run


def _run_order(folder: Path) -> tuple[str, int, str]:
    match = RUN_NAME.fullmatch(folder.name)
    if match is None:
        return (folder.name, 0, folder.name)
    return (match[1], int(match[2] or 1), folder.name)
