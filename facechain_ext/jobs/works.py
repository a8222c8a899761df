"""What a job can be: one typed record for each thing that takes long, carried out by the studio."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import Event, PortraitsFinished
from facechain_ext.config import (
    PortraitConfig,
    PrepareConfig,
    TalkConfig,
    TemplateConfig,
    TrainConfig,
)
from facechain_ext.imaging.still import read_still
from facechain_ext.library.names import checked
from facechain_ext.studio.portraits import LARGEST_SEED
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.talking import Order
from facechain_ext.studio.uploads import read_uploads

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
class _OfPerson:
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


@dataclass(frozen=True)
class _WithPhotos(_OfPerson):
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
class Resume(_OfPerson):
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
class MakePortraits(_OfPerson):
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
        """Choose the seed now, so that a second try draws the same pictures."""
        if self.portrait.seed >= 0:
            return self
        seed = random.randint(0, LARGEST_SEED)
        return replace(self, portrait=replace(self.portrait, seed=seed))

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        for event in studio.make_portraits(self.person, self.portrait, attempt.tell):
            if isinstance(event, PortraitsFinished):
                folder = self.folder or studio.library.portraits_folder(self.person)
                event = replace(event, saved=tuple(studio.save_portraits(event, folder)))
            yield event


@dataclass(frozen=True)
class MakeTemplate(_OfPerson):
    """Paint people into a picture, and save what came of it.

    person: the first of them; the pictures are kept with theirs. photos: the template.
    cast: whoever comes on which face, by number.
    """

    kind: ClassVar[str] = "template"
    doing: ClassVar[str] = "Template with {}"
    photos: tuple[Path, ...] = ()
    cast: Mapping[int, str] = field(default_factory=dict)
    template: TemplateConfig = field(default_factory=TemplateConfig)
    folder: Path | None = None

    @classmethod
    def of(
        cls,
        template: Path,
        cast: Mapping[int, str],
        config: TemplateConfig,
        folder: Path | None = None,
    ) -> MakeTemplate:
        """Make the work of a cast that is not empty."""
        return cls(next(iter(cast.values())), (template,), dict(cast), config, folder)

    @property
    def title(self) -> str:
        return self.doing.format(", ".join(self.cast.values()))

    def facts(self) -> Facts:
        folder = None if self.folder is None else str(self.folder.absolute())
        cast = {str(number): name for number, name in self.cast.items()}
        return {"template": asdict(self.template), "cast": cast, "folder": folder}

    def require(self, studio: Studio) -> None:
        """Raises what `Templates.checked` raises."""
        studio.templates.checked(read_still(self.photos[0]), self.cast, self.template)

    def settled(self, studio: Studio) -> MakeTemplate:
        """Choose the seed now, so that a second try paints the same pictures."""
        if self.template.seed >= 0:
            return self
        seed = random.randint(0, LARGEST_SEED)
        return replace(self, template=replace(self.template, seed=seed))

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        photo = read_still(self.photos[0])
        for event in studio.templates.make(photo, self.cast, self.template, attempt.tell):
            if isinstance(event, PortraitsFinished):
                folder = self.folder or studio.library.portraits_folder(self.person)
                event = replace(event, saved=tuple(studio.save_portraits(event, folder)))
            yield event


@dataclass(frozen=True)
class Talk(_OfPerson):
    """Let a portrait speak. photos: portrait and recording, as far as `given` names them.

    out: where the video goes.
    """

    kind: ClassVar[str] = "talk"
    doing: ClassVar[str] = "A talking portrait of {}"
    person: str = ""
    photos: tuple[Path, ...] = ()
    given: tuple[str, ...] = ()
    talk: TalkConfig = field(default_factory=TalkConfig)
    out: Path = Path("talking.mp4")

    @property
    def title(self) -> str:
        return super().title if self.person else "A talking portrait"

    @property
    def order(self) -> Order:
        files = dict(zip(self.given, self.photos, strict=True))
        return Order(self.out, self.person, files.get("portrait"), files.get("audio"))

    def facts(self) -> Facts:
        out = str(self.out.absolute())
        return {"talk": asdict(self.talk), "given": list(self.given), "out": out}

    def require(self, studio: Studio) -> None:
        """Raises what `Talking.require` raises."""
        studio.talking.require(self.order, self.talk)

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        return studio.talk(self.order, self.talk)


WorkKind = Callable[[str, Sequence[Path], Facts], Work]
"""Makes a work of a person, photos and the facts that were kept."""


def _reader(kind: type[Any]) -> WorkKind:
    def read(person: str, photos: Sequence[Path], facts: Facts) -> Work:
        known = {spec.name: spec for spec in fields(kind)}
        told = {name: _CONFIGS[name](value) for name, value in facts.items() if name in _CONFIGS}
        plain = {name: value for name, value in facts.items() if name not in _CONFIGS}
        arguments = {**plain, **told, "person": person, "photos": tuple(photos)}
        work: Work = kind(**{name: value for name, value in arguments.items() if name in known})
        return work

    return read


def _config(kind: type[Any]) -> Callable[[Facts], Any]:
    names = {spec.name for spec in fields(kind)}
    return lambda facts: kind(**{name: value for name, value in facts.items() if name in names})


_CONFIGS: dict[str, Callable[[Any], Any]] = {
    "prepare": _config(PrepareConfig),
    "train": _config(TrainConfig),
    "portrait": _config(PortraitConfig),
    "template": _config(TemplateConfig),
    "cast": lambda facts: {int(number): name for number, name in facts.items()},
    "talk": _config(TalkConfig),
    "given": tuple,
    "out": Path,
    "folder": lambda text: None if text is None else Path(text),
}

KINDS: Mapping[str, WorkKind] = {
    kind.kind: _reader(kind)
    for kind in (Check, Enrol, Train, Resume, MakePortraits, MakeTemplate, Talk)
}
"""Every kind of job, and how one is read back."""
