"""One look's folder: pictures that have something in common, their captions, the trainings on them.

Layout: look.json (manifest), pictures/ (each with a .txt, its caption), and runs/<run>/ (one
training each), as a person's are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.dataset.buckets import Size
from facechain_ext.dataset.look import LookPicture
from facechain_ext.dataset.look_captions import tidy, with_trigger
from facechain_ext.imaging.decode import measure
from facechain_ext.imaging.files import read_photo, write_atomic
from facechain_ext.library.locking import locked
from facechain_ext.library.look_manifest import MANIFEST, LookManifest
from facechain_ext.library.person import LOCK, PATIENCE, begun_folders, new_run_folder
from facechain_ext.library.runs import RunFolder


@dataclass(frozen=True)
class Look:
    """A look: where its pictures lie and what the manifest said when it was read."""

    folder: Path
    manifest: LookManifest

    @classmethod
    def read(cls, folder: Path) -> Look:
        """Read a look's folder; raises InvalidInput naming the file, LibraryTooNew."""
        path = folder / MANIFEST
        try:
            return cls(folder, LookManifest.from_json(path.read_text(encoding="utf-8")))
        except (InvalidInput, UnicodeDecodeError, OSError) as error:
            raise InvalidInput(f"{path} is damaged and cannot be read: {error}") from error

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def slug(self) -> str:
        """The folder's name, and the style's."""
        return self.folder.name

    @contextmanager
    def changing(self) -> Iterator[Look]:
        """Hold the lock of all looks; yields this one as it is now.

        Raises InvalidInput where somebody else has deleted it meanwhile.
        """
        if not self.folder.parent.is_dir():
            raise self.gone()
        with locked(self.folder.parent / LOCK, patience=PATIENCE):
            if not (self.folder / MANIFEST).is_file():
                raise self.gone()
            now = Look.read(self.folder)
            if now.manifest.created != self.manifest.created:
                raise self.gone()  # another one of the same name
            yield now

    def gone(self) -> InvalidInput:
        return InvalidInput(f"The pictures of {self.name} were deleted meanwhile.")

    def save(self, **changes: Any) -> Look:
        """Write the manifest as it now stands with these fields changed."""
        with self.changing() as now:
            manifest = replace(now.manifest, **changes)
            write_atomic(self.folder / MANIFEST, manifest.to_json().encode("utf-8"))
            return Look(self.folder, manifest)

    @property
    def kept_at(self) -> float:
        """When the pictures were kept, in Unix seconds."""
        return datetime.fromisoformat(self.manifest.created).timestamp()

    def pictures(self) -> list[Path]:
        """Return the pictures, in their order."""
        return sorted((self.folder / "pictures").glob("[!.]*.png"))

    def caption(self, picture: Path) -> str:
        """Read a picture's caption, without the trigger word; empty where there is none."""
        try:
            return " ".join(picture.with_suffix(".txt").read_text(encoding="utf-8").split())
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{picture.with_suffix('.txt')} cannot be read: {error}") from error

    def set_captions(self, captions: Mapping[str, str]) -> None:
        """Change captions, by the stem of their pictures; raises InvalidInput before any is."""
        with self.changing():
            known = {path.stem: path for path in self.pictures()}
            if unknown := sorted(set(captions) - set(known)):
                raise InvalidInput(f"{self.name} has no picture {quoted(unknown[0])}.")
            told = {stem: tidy(text, stem) for stem, text in captions.items()}
            for stem, text in told.items():
                write_caption(known[stem], text)

    def load(self) -> Iterator[LookPicture]:
        """Read the pictures one after the other, captions as they are trained on."""
        for path in self.pictures():
            caption = with_trigger(self.caption(path), self.manifest.trigger_word)
            yield LookPicture(path.stem, read_photo(path).pixels, caption)

    def sizes(self) -> list[Size]:
        """Return the pictures' widths and heights, without reading them."""
        return [measure(path.read_bytes()) for path in self.pictures()]

    def captions(self) -> list[str]:
        """Return all captions as they are trained on: with the trigger word before them."""
        trigger = self.manifest.trigger_word
        return [with_trigger(self.caption(path), trigger) for path in self.pictures()]

    def begun(self) -> list[RunFolder]:
        """Return the trainings that got as far as their first step, oldest first."""
        return [run for run in map(RunFolder, begun_folders(self.folder)) if run.begun]

    def new_run(self) -> Path:
        """Make an empty folder for one training."""
        with self.changing():
            return new_run_folder(self.folder)


def write_caption(picture: Path, text: str) -> None:
    write_atomic(picture.with_suffix(".txt"), (text + "\n").encode("utf-8"))
