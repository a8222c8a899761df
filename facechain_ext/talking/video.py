"""Pictures to a video with the speech in it, written as they come; half a file is never left."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Protocol

from facechain_ext.base.errors import FaceChainError, InvalidInput, reason
from facechain_ext.base.records import Pixels
from facechain_ext.imaging.files import write_atomic
from facechain_ext.imaging.provenance import ai_packet
from facechain_ext.installing.optional import AV
from facechain_ext.talking.animation import LONGEST_ANIMATION, SOURCE, Animation
from facechain_ext.talking.silent_film import SilentFilm
from facechain_ext.talking.sound_film import SoundFilm
from facechain_ext.talking.speech import Speech


class Film(Protocol):
    """A file that takes pictures one after the other."""

    def add(self, pixels: Pixels) -> None: ...
    def finish(self) -> None:
        """Write what is still to be written."""

    def close(self) -> None:
        """Let go of the file, finished or not."""


MakeFilm = Callable[[Path, Speech, int], Film]


def _web_film(path: Path, speech: Speech, fps: int) -> Film:
    return (SoundFilm if AV.installed else SilentFilm)(path, speech, fps)


FORMATS: Mapping[str, MakeFilm] = {
    ".mp4": SoundFilm, ".webm": _web_film, ".gif": Animation, ".webp": Animation,
}  # fmt: skip


def write_video(
    path: Path, frames: Iterable[Pixels], speech: Speech, fps: int
) -> Generator[int, None, None]:
    """Write a video in the format of its name; yields how many frames are in it.

    .mp4 is H.264 with AAC, .webm VP9 with Opus, or silent VP8 without the package av; .gif and
    .webp have no sound. The file appears when it is whole, and beside it an XMP packet that says
    where it comes from. Raises what `check_format` raises, and FaceChainError where the disk is
    full or refuses.
    """
    check_format(path, speech.seconds)
    hidden = path.with_name(f".{uuid.uuid4().hex}{path.suffix.lower()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.callback(hidden.unlink, missing_ok=True)
            film = stack.enter_context(closing(FORMATS[path.suffix.lower()](hidden, speech, fps)))
            for count, pixels in enumerate(frames, 1):
                film.add(pixels)
                yield count
            film.finish()
            film.close()
            write_atomic(path.with_name(f"{path.name}.xmp"), ai_packet(SOURCE).encode("utf-8"))
            os.replace(hidden, path)  # noqa: PTH105
    except OSError as error:
        raise FaceChainError(f"{path} cannot be written: {reason(error)}.") from error


def check_format(path: Path, seconds: float = 0.0) -> None:
    """Raise InvalidInput for a format that is not known, takes a package or is not for so long."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise InvalidInput(
            f"{path.name} must end in one of {', '.join(FORMATS)}: a video with sound is .mp4 or "
            ".webm, pictures without sound are .gif or .webp."
        )
    if suffix == ".mp4" and not AV.installed:
        raise InvalidInput(f"{AV.lacking} Without it, a name in .webm gives a silent video.")
    if FORMATS[suffix] is Animation and seconds > LONGEST_ANIMATION:
        raise InvalidInput(
            f"The speech lasts {seconds:.0f} s; {suffix} is for up to {LONGEST_ANIMATION}. Write "
            "an .mp4 or .webm instead."
        )


def has_sound(path: Path) -> bool:
    """Tell whether the speech can be heard in a video of that name."""
    return path.suffix.lower() in (".mp4", ".webm") and AV.installed
