"""What a job does: a typed record, carried out by the studio."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from facechain_ext.base.events import Event
from facechain_ext.studio.studio import Studio

Facts = dict[str, Any]
Tell = Callable[[Event], None]


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
