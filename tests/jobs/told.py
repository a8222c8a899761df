"""Jobs that do what a test tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facechain_ext.base.events import Event
from facechain_ext.jobs.kinds import KINDS, WorkKind
from facechain_ext.jobs.queue import Job, Jobs
from facechain_ext.jobs.work import Attempt, Work
from facechain_ext.studio.studio import Studio

Doing = Callable[..., Iterable[Event]]
_doings: list[Doing] = []


@dataclass(frozen=True)
class Told:
    """Yields the events of a function, which is given the attempt where it takes something.

    name and run_name: of a style, and of the training that it goes on with.
    """

    title: str
    number: int
    kind: str = "train"
    person: str = ""
    photos: tuple[Path, ...] = ()
    goes_on: bool = False
    takes_attempt: bool = False
    name: str = ""
    run_name: str = ""

    def facts(self) -> dict[str, Any]:
        names = ("title", "number", "takes_attempt", "goes_on", "name", "run_name")
        return {name: getattr(self, name) for name in names}

    def require(self, studio: Studio) -> None:
        pass

    def settled(self, studio: Studio) -> Told:
        return self

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        doing = _doings[self.number]
        return iter(doing(attempt) if self.takes_attempt else doing())


class Kinds(Mapping[str, WorkKind]):
    """Every kind, the real ones too; what a test told is done as it was told."""

    def __getitem__(self, kind: str) -> WorkKind:
        def read(person: str, photos: Sequence[Path], facts: dict[str, Any]) -> Work:
            if "number" in facts:
                return Told(kind=kind, person=person, photos=tuple(photos), **facts)
            return KINDS[kind](person, photos, facts)

        return read

    def __iter__(self) -> Iterator[str]:
        return iter(KINDS)

    def __len__(self) -> int:
        return len(KINDS)


TOLD = Kinds()


def work(title: str, doing: Doing, *, kind: str = "train", person: str = "", **more: bool) -> Told:
    """Make a work of a function; takes_attempt: whether that is to be given the attempt; goes_on:
    whether a second try goes on where the first broke off."""
    _doings.append(doing)
    return Told(title, len(_doings) - 1, kind, person, **more)


def submit(jobs: Jobs, title: str, doing: Doing, *, kind: str = "train", person: str = "") -> Job:
    """Queue a function; the jobs must know the kinds TOLD."""
    return jobs.submit(work(title, doing, kind=kind, person=person))
