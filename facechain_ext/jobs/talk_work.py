"""A portrait that speaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar

from facechain_ext.base.events import Event
from facechain_ext.config import TalkConfig
from facechain_ext.jobs.work import Attempt, Facts, OfPerson
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.talking import Order, free_path


@dataclass(frozen=True)
class Talk(OfPerson):
    """Let a portrait speak. photos: portrait and recording, as far as `given` names them.

    out: where the video goes. unnamed: out is a folder, where it gets a name when its turn comes.
    """

    kind: ClassVar[str] = "talk"
    doing: ClassVar[str] = "A talking portrait of {}"
    person: str = ""
    photos: tuple[Path, ...] = ()
    given: tuple[str, ...] = ()
    talk: TalkConfig = field(default_factory=TalkConfig)
    out: Path = Path("talking.mp4")
    unnamed: bool = False

    @property
    def title(self) -> str:
        return super().title if self.person else "A talking portrait"

    @property
    def order(self) -> Order:
        files = dict(zip(self.given, self.photos, strict=True))
        out = free_path(self.out) if self.unnamed else self.out
        return Order(out, self.person, files.get("portrait"), files.get("audio"))

    def facts(self) -> Facts:
        out = str(self.out.absolute())
        told = {"talk": asdict(self.talk), "given": list(self.given)}
        return {**told, "out": out, "unnamed": self.unnamed}

    def require(self, studio: Studio) -> None:
        """Raises what `Talking.require` raises."""
        studio.talking.require(self.order, self.talk)

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        return studio.talk(self.order, self.talk)
