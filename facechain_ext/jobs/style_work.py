"""Styles with LoRAs of their own: pictures of a look kept, and trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import ClassVar, TypeVar

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import Event
from facechain_ext.config import TrainStyleConfig
from facechain_ext.jobs.work import Attempt, Facts, OfPerson
from facechain_ext.studio.look_keeping import read_captions
from facechain_ext.studio.studio import Studio

OfLook = TypeVar("OfLook", bound="_OfLook")


@dataclass(frozen=True)
class _OfLook(OfPerson):
    """name: what the style is called. captions: of the photos, None where none was beside one."""

    person: str = ""
    name: str = ""
    photos: tuple[Path, ...] = ()
    captions: tuple[str | None, ...] = ()
    style: TrainStyleConfig = field(default_factory=TrainStyleConfig)

    @classmethod
    def of(cls: type[OfLook], name: str, files: Sequence[Path], config: TrainStyleConfig) -> OfLook:
        """Make the work of pictures, with the captions among the files or beside them."""
        texts = [path for path in files if path.suffix.lower() == ".txt"]
        pictures = tuple(path for path in files if path not in texts)
        return cls("", name, pictures, read_captions(pictures, config, texts), config)

    @property
    def title(self) -> str:
        return self.doing.format(self.name)

    def facts(self) -> Facts:
        return {"name": self.name, "captions": list(self.captions), "style": asdict(self.style)}

    def require(self, studio: Studio) -> None:
        """Raises InvalidInput for the name or the pictures."""
        studio.style_trainings.keeping.require(self.name, self.photos, self.captions)


@dataclass(frozen=True)
class KeepLook(_OfLook):
    """Keep pictures of a look with their captions, to be edited before a training."""

    kind: ClassVar[str] = "keep_look"
    doing: ClassVar[str] = "Keeping the pictures of {}"

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        keeping = studio.style_trainings.keeping
        yield from keeping.keep(self.name, self.photos, self.captions, self.style)


@dataclass(frozen=True)
class TrainStyle(_OfLook):
    """Train a style's LoRA, on new pictures where there are any; run_name: go on with that one."""

    kind: ClassVar[str] = "train_style"
    doing: ClassVar[str] = "Training the style {}"
    goes_on: ClassVar[bool] = True
    run_name: str = ""

    @classmethod
    def stopped(cls, name: str, studio: Studio) -> TrainStyle:
        """Make the work of a training that was stopped; raises InvalidInput where there is none."""
        found = studio.style_trainings.resumable(name)
        if found is None:
            raise InvalidInput(f"{name} has no stopped training to go on with.")
        return cls(name=name, run_name=found.run)

    def facts(self) -> Facts:
        return {**super().facts(), "run_name": self.run_name}

    def require(self, studio: Studio) -> None:
        if self.photos:
            super().require(studio)
        else:
            studio.style_trainings.looks.get(self.name)

    def settled(self, studio: Studio) -> TrainStyle:
        if self.photos:
            return self
        return replace(self, name=studio.style_trainings.looks.get(self.name).name)

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        trainings = studio.style_trainings
        if self.run_name:
            ended = trainings.finished(self.name, self.run_name)
            return ended or trainings.resume(self.name)
        if attempt.since is not None:
            begun = trainings.go_on(self.name, attempt.since, self.style)
            if begun is not None:
                return begun
        return trainings.begin(self.name, self.photos, self.captions, self.style)
