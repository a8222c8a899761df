"""Portraits as files: the ranked ones, and in a folder of their own those set aside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from facechain_ext.base.events import PortraitsFinished
from facechain_ext.base.host import Host
from facechain_ext.base.records import Portrait
from facechain_ext.imaging.files import files_in
from facechain_ext.library.people import PeopleLibrary, Person

ASIDE = "rejected"
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".avif")


def kept_portraits(library: PeopleLibrary, person: Person) -> Iterator[Path]:
    """Yield the files of a person's portraits, whatever folders they lie in, but those aside."""
    for folder in library.portrait_folders(person):
        for path in files_in(folder):
            if path.suffix.lower() in PICTURES and path.parent.name != ASIDE:
                yield path


def newest_portraits(library: PeopleLibrary, person: Person) -> list[Path]:
    """Return the files of a person's portraits, the newest first."""
    told = [(path.stat().st_mtime, path.name, path) for path in kept_portraits(library, person)]
    return [path for *_, path in sorted(told, reverse=True)]


def save_portraits(host: Host, finished: PortraitsFinished, folder: Path) -> list[Path]:
    """Save the ranked pictures as `<rank>-<seed>.png`, and the rejected ones aside.

    Of a run that ended too early, all that was drawn is aside. Returns where the ranked ones are.
    """
    aside = (*finished.spare, *finished.rejected) if finished.stopped else finished.rejected
    for portrait in aside:
        stem = f"{_reason(portrait, finished)}-{portrait.seed}"
        host.save_image(portrait.pixels, portrait.infotext, folder / ASIDE, stem)
    return [
        host.save_image(p.pixels, p.infotext, folder, f"{place:02d}-{p.seed}")
        for place, p in enumerate(finished.ranked, 1)
    ]


def _reason(portrait: Portrait, finished: PortraitsFinished) -> str:
    """Say in a word why a picture is aside; "stopped" or "failed" where that is all."""
    if portrait.score.rejection:
        return portrait.score.rejection.value
    return finished.stopped.partition(" ")[0] or "unranked"
