"""Files that come with a request: kept in a folder that goes when the request ends."""

from __future__ import annotations

import re
import shutil
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import BinaryIO

from facechain_ext.api.errors import TooLarge
from facechain_ext.api.schema import told
from facechain_ext.base.errors import UnreadablePhoto
from facechain_ext.base.host import HostPaths
from facechain_ext.config import ApiConfig
from facechain_ext.imaging.decode import measure
from facechain_ext.library.locking import claim, is_claimed
from facechain_ext.library.names import RESERVED_ON_WINDOWS

LOCK = ".lock"
LONGEST_NAME = 80
UNFIT = re.compile(r"[<>:\"|?*\\/\x00-\x1f]")


@dataclass(frozen=True)
class PhotoUpload:
    """A photo in JSON."""

    data: bytes = told("The file in base64, plain or as a data URL.")
    name: str = told("What the file is called; verdicts name it so.", default="photo", longest=200)


@dataclass(frozen=True)
class AudioUpload:
    """A recording in JSON."""

    data: bytes = told("The file in base64, plain or as a data URL.")
    name: str = told("What the file is called.", default="recording", longest=200)


def uploads_dir(paths: HostPaths) -> Path:
    """Return where requests keep their files while they last."""
    return paths.jobs_dir / "incoming"


@contextmanager
def request_folder(root: Path) -> Iterator[Path]:
    """Make a folder that goes with the request; those of processes that were killed go, too."""
    root.mkdir(parents=True, exist_ok=True)
    for lock in root.glob(f"*{LOCK}"):
        if not is_claimed(lock):
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
    folder = root / uuid.uuid4().hex
    held = claim(folder.with_suffix(LOCK))
    assert held is not None
    try:
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        held.release()


@dataclass
class Incoming:
    """Files on their way in, under names of their own in the request's folder: photos, and one
    recording where the operation takes it."""

    folder: Path
    config: ApiConfig
    paths: list[Path] = field(default_factory=list)
    audio: Path | None = None

    def add(self, name: str, data: bytes) -> None:
        """Keep a photo; raises TooLarge for one too many."""
        with self.begin(name) as file:
            file.write(data)

    def begin(self, name: str) -> BinaryIO:
        """Open a file for one more photo; raises TooLarge for one too many."""
        if len(self.paths) == self.config.max_photos:
            raise TooLarge(f"{self.config.max_photos} photos at once are the most.")
        path = self._free(fit_name(name))
        self.paths.append(path)
        return path.open("xb")

    def begin_audio(self, name: str) -> BinaryIO:
        """Open the file for a recording; raises TooLarge for a second one."""
        if self.audio is not None:
            raise TooLarge("One recording at once is the most.")
        folder = self.folder / "audio"
        folder.mkdir()
        self.audio = folder / fit_name(name or "recording")
        return self.audio.open("xb")

    def require_pixels(self) -> None:
        """Raise TooLarge for a photo of more pixels than are accepted.

        What is no photo passes: its verdict will say so.
        """
        for path in self.paths:
            with suppress(UnreadablePhoto):
                width, height = measure(path.read_bytes())
                if width * height > self.config.max_megapixels * 1e6:
                    raise TooLarge(
                        f"{path.name} has {width * height / 1e6:.0f} megapixels; "
                        f"at most {self.config.max_megapixels:g} are accepted."
                    )

    def _free(self, name: str) -> Path:
        taken = {path.name.lower() for path in self.paths}
        names = (f"{number}-{name}" if number > 1 else name for number in count(1))
        return self.folder / next(each for each in names if each.lower() not in taken)


def fit_name(name: str) -> str:
    """Return a file name that any disk takes, from one that came from outside."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    kept = "".join(c for c in UNFIT.sub("", last) if unicodedata.category(c)[0] != "C")
    kept = kept[-LONGEST_NAME:].strip(". ")
    reserved = RESERVED_ON_WINDOWS.fullmatch(kept.partition(".")[0].lower())
    return f"photo-{kept}" if reserved else kept or "photo"
