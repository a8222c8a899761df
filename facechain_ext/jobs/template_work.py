"""People painted into a picture that exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from facechain_ext.base.events import Event
from facechain_ext.config import TemplateConfig
from facechain_ext.imaging.still import read_still
from facechain_ext.jobs.work import Attempt, Facts, OfPerson, saved, seeded
from facechain_ext.studio.studio import Studio


@dataclass(frozen=True)
class MakeTemplate(OfPerson):
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
        return replace(self, template=seeded(self.template))

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        photo = read_still(self.photos[0])
        painted = studio.templates.make(photo, self.cast, self.template, attempt.tell)
        return saved(painted, studio, self.person, self.folder)
