"""What is done for a person: photos judged and kept, trainings, portraits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import Event
from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig
from facechain_ext.jobs.work import Attempt, Facts, OfPerson, saved, seeded
from facechain_ext.library.names import checked
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.uploads import read_uploads


@dataclass(frozen=True)
class _WithPhotos(OfPerson):
    """photos: files, read when their turn comes."""

    photos: tuple[Path, ...] = ()
    prepare: PrepareConfig = field(default_factory=PrepareConfig)

    def facts(self) -> Facts:
        return {"prepare": asdict(self.prepare)}

    def require(self, studio: Studio) -> None:
        """Raises InvalidInput for the name or the number of photos."""
        checked(self.person)
        read_uploads(self.photos, self.prepare)


@dataclass(frozen=True)
class Check(_WithPhotos):
    """Judge photos, and keep none."""

    kind: ClassVar[str] = "check"
    doing: ClassVar[str] = "Looking at photos"
    person: str = ""

    def require(self, studio: Studio) -> None:
        read_uploads(self.photos, self.prepare)

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        return studio.check(read_uploads(self.photos, self.prepare), self.prepare)


@dataclass(frozen=True)
class Enrol(_WithPhotos):
    """Keep photos in the library; add: beside those that are there."""

    kind: ClassVar[str] = "enrol"
    doing: ClassVar[str] = "Keeping the photos of {}"
    add: bool = False

    def facts(self) -> Facts:
        return {**super().facts(), "add": self.add}

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        uploads = read_uploads(self.photos, self.prepare)
        yield from studio.enrol(self.person, uploads, self.prepare, attempt.owner, add=self.add)


@dataclass(frozen=True)
class Train(_WithPhotos):
    """Train a face LoRA, on new photos where there are any."""

    kind: ClassVar[str] = "train"
    doing: ClassVar[str] = "Training {}"
    goes_on: ClassVar[bool] = True
    train: TrainConfig = field(default_factory=TrainConfig)

    def facts(self) -> Facts:
        return {**super().facts(), "train": asdict(self.train)}

    def require(self, studio: Studio) -> None:
        """Raises PersonNotFound where there are neither photos nor a person of that name."""
        super().require(studio)
        if not self.photos:
            studio.library.get(self.person)

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        begun = None if attempt.since is None else studio.go_on(self.person, attempt.since)
        if begun is not None:
            return begun
        if not self.photos:
            return studio.train(self.person, self.train)
        uploads = read_uploads(self.photos, self.prepare)
        return studio.train_person(self.person, uploads, self.prepare, self.train, attempt.owner)


@dataclass(frozen=True)
class Resume(OfPerson):
    """Go on with a training that was stopped; run: which one."""

    kind: ClassVar[str] = "resume"
    doing: ClassVar[str] = "Training {}"
    goes_on: ClassVar[bool] = True
    run_name: str = ""

    def facts(self) -> Facts:
        return {"run_name": self.run_name}

    def require(self, studio: Studio) -> None:
        """Raises InvalidInput where there is none."""
        if studio.resumable(self.person) is None:
            raise InvalidInput(f"{self.person} has no stopped training to go on with.")

    def settled(self, studio: Studio) -> Resume:
        found = studio.resumable(self.person)
        return replace(self, run_name=found.run if found else "")

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        return studio.finished(self.person, self.run_name) or studio.resume(self.person)


@dataclass(frozen=True)
class MakePortraits(OfPerson):
    """Draw, rank and save portraits; folder: where, None for the person's own."""

    kind: ClassVar[str] = "portraits"
    doing: ClassVar[str] = "Portraits of {}"
    portrait: PortraitConfig = field(default_factory=PortraitConfig)
    folder: Path | None = None

    def facts(self) -> Facts:
        folder = None if self.folder is None else str(self.folder.absolute())
        return {"portrait": asdict(self.portrait), "folder": folder}

    def require(self, studio: Studio) -> None:
        """Raises what `Studio.request` raises."""
        studio.request(self.person, self.portrait)

    def settled(self, studio: Studio) -> MakePortraits:
        return replace(self, portrait=seeded(studio.posed(self.person, self.portrait)))

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        drawn = studio.make_portraits(self.person, self.portrait, attempt.tell)
        return saved(drawn, studio, self.person, self.folder)
