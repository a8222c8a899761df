"""What a job does: a typed record, carried out by the studio."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from facechain_ext.base.events import Event, PortraitsFinished
from facechain_ext.config import PortraitConfig, TemplateConfig, TryOnConfig
from facechain_ext.studio.portraits import LARGEST_SEED
from facechain_ext.studio.studio import Studio

Facts = dict[str, Any]
Tell = Callable[[Event], None]
Seeded = TypeVar("Seeded", PortraitConfig, TemplateConfig, TryOnConfig)


@dataclass(frozen=True)
class Attempt:
    """One try at a job. tell: hears of what passes between two events. owner: whose job it is.

    since: when the first try began, Unix seconds; None at the first.
    """

    tell: Tell
    owner: str = ""
    since: float | None = None


class Work(Protocol):
    """What a job does. `facts` and the photos are all that is kept of it until its turn."""

    @property
    def kind(self) -> str: ...
    @property
    def person(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def photos(self) -> tuple[Path, ...]: ...
    @property
    def goes_on(self) -> bool:
        """Whether a second try goes on where the first broke off."""

    def facts(self) -> Facts: ...
    def require(self, studio: Studio) -> None:
        """Raise at once what keeps it from being done."""

    def settled(self, studio: Studio) -> Work:
        """Leave nothing to chance that a second try must find again."""

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]: ...


@dataclass(frozen=True)
class OfPerson:
    """What most kinds share: they are about a person, take no photos and leave nothing open."""

    kind: ClassVar[str]
    doing: ClassVar[str]
    goes_on: ClassVar[bool] = False
    person: str

    @property
    def title(self) -> str:
        return self.doing.format(self.person)

    @property
    def photos(self) -> tuple[Path, ...]:
        return ()

    def facts(self) -> Facts:
        return {}

    def settled(self, studio: Studio) -> Work:
        return self  # type: ignore[return-value]  # a Work where it is completed


def seeded(config: Seeded) -> Seeded:
    """Choose a seed that is left to chance now, so that a second try draws the same pictures."""
    if config.seed >= 0:
        return config
    return replace(config, seed=random.randint(0, LARGEST_SEED))


def saved(
    events: Iterable[Event], studio: Studio, person: str, folder: Path | None
) -> Iterator[Event]:
    """Save what is drawn, and tell where; folder: None for the person's own."""
    for event in events:
        if isinstance(event, PortraitsFinished):
            place = folder or studio.library.portraits_folder(person)
            event = replace(event, saved=tuple(studio.save_portraits(event, place)))
        yield event
