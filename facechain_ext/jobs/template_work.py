"""People painted into pictures that exist, or that are drawn from words first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import Event
from facechain_ext.config import TemplateConfig
from facechain_ext.jobs.work import Attempt, Facts, OfPerson, saved, seeded
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.template_batch import Batch, Order


@dataclass(frozen=True)
class MakeTemplate(OfPerson):
    """Paint people into pictures, and save what came of it.

    person: the first of them; the pictures are kept with theirs. photos: the templates.
    cast: whoever comes on which face of the first, by number; further: of the others.
    words: what is drawn to be the template, where there are no photos; who: comes into it.
    """

    kind: ClassVar[str] = "template"
    doing: ClassVar[str] = "Template with {}"
    photos: tuple[Path, ...] = ()
    cast: Mapping[int, str] = field(default_factory=dict)
    template: TemplateConfig = field(default_factory=TemplateConfig)
    folder: Path | None = None
    further: tuple[Mapping[int, str], ...] = ()
    words: str = ""
    who: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        template: Path,
        cast: Mapping[int, str],
        config: TemplateConfig,
        folder: Path | None = None,
    ) -> MakeTemplate:
        """Make the work of a cast that is not empty."""
        return cls.of_all([(template, cast)], config, folder)

    @classmethod
    def of_all(
        cls,
        templates: Sequence[tuple[Path, Mapping[int, str]]],
        config: TemplateConfig,
        folder: Path | None = None,
    ) -> MakeTemplate:
        """Make the work of several templates, whose casts are not empty."""
        casts = [dict(cast) for _, cast in templates]
        photos = tuple(path for path, _ in templates)
        person = next(iter(casts[0].values()))
        return cls(person, photos, casts[0], config, folder, tuple(casts[1:]))

    @classmethod
    def from_words(
        cls,
        words: str,
        who: Sequence[str],
        config: TemplateConfig,
        folder: Path | None = None,
    ) -> MakeTemplate:
        """Make the work of a picture that is yet to be drawn.

        Raises InvalidInput without words or without people.
        """
        if not words.strip():
            raise InvalidInput("Say in words what the picture shows.")
        if not who:
            raise InvalidInput("Say who comes into the picture.")
        known = tuple(who)
        return cls(known[0], (), {}, config, folder, words=words.strip(), who=known)

    @property
    def casts(self) -> tuple[Mapping[int, str], ...]:
        return (self.cast, *self.further)

    @property
    def title(self) -> str:
        people = self.who or tuple(name for cast in self.casts for name in cast.values())
        told = ", ".join(dict.fromkeys(people))
        if len(self.photos) < 2:
            return self.doing.format(told)
        return f"{len(self.photos)} templates with {told}"

    def facts(self) -> Facts:
        folder = None if self.folder is None else str(self.folder.absolute())
        told: Facts = {"template": asdict(self.template), "cast": _told(self.cast)}
        if self.further:
            told["further"] = [_told(cast) for cast in self.further]
        if self.words:
            told |= {"words": self.words, "who": list(self.who)}
        return {**told, "folder": folder}

    def require(self, studio: Studio) -> None:
        """Raises what `Templates.checked` raises, naming the template where there are several."""
        if self.words:
            studio.templates.require_trained(self.who, self.template)
            return
        for photo, cast in zip(self.photos, self.casts, strict=True):
            studio.templates.checked(studio.templates.read(photo), cast, self.template)

    def settled(self, studio: Studio) -> MakeTemplate:
        return replace(self, template=seeded(self.template))

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        return saved(self._painted(studio, attempt), studio, self.person, self.folder)

    def _painted(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        templates = studio.templates
        orders = [
            Order(templates.read(path), dict(cast))
            for path, cast in zip(self.photos, self.casts, strict=False)
        ]
        if self.words:
            scenes = studio.scenes
            scene = yield from scenes.draw(self.words, len(self.who), self.template, attempt.tell)
            photo = templates.read(scene.picture)
            orders = [Order(photo, templates.seat(photo, self.who))]
        if len(orders) == 1:
            yield from templates.make(
                orders[0].template, orders[0].cast, self.template, attempt.tell
            )
        else:
            yield from Batch(templates, orders, self.template).make(attempt.tell)


def people_in(facts: Facts) -> set[str]:
    """Return everybody whom the facts of such a work name."""
    casts = (facts.get("cast", {}), *facts.get("further", ()))
    return {name for cast in casts for name in cast.values()} | set(facts.get("who", ()))


def _told(cast: Mapping[int, str]) -> dict[str, str]:
    return {str(number): name for number, name in cast.items()}
