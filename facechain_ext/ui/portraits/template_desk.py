"""What the Templates panel does, without a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Photo
from facechain_ext.config import TemplateConfig
from facechain_ext.jobs.queue import Job
from facechain_ext.jobs.template_work import MakeTemplate
from facechain_ext.portrait.casting import Cast
from facechain_ext.portrait.numbered import NumberedFace
from facechain_ext.studio.templates import Templates
from facechain_ext.templates.gallery import matching
from facechain_ext.templates.template import Template
from facechain_ext.ui.portraits.desk import PortraitDesk

LEFT = "leave as it is"


@dataclass(frozen=True, eq=False)
class Looked:
    """A template as it was found: its faces, and who is proposed for them."""

    photo: Photo
    faces: list[NumberedFace]
    cast: Cast


@dataclass(frozen=True)
class TemplateDesk(PortraitDesk):
    """Paints people into templates on behalf of one or more open pages."""

    kind: ClassVar[str] = MakeTemplate.kind
    noun: ClassVar[str] = "pictures"
    how: ClassVar[str] = "Choose a picture with faces, say who comes on which, and press Paint."

    @property
    def templates(self) -> Templates:
        return self.services.studio.templates

    def found(self, words: str, checked: Sequence[str]) -> list[Template]:
        """Return the templates that have the words, after those that are checked already."""
        everything = self.templates.gallery.now()
        found = matching(everything.values(), words)
        first = [everything[name] for name in checked if name in everything] if words else []
        return [*first, *(each for each in found if each.name not in {one.name for one in first})]

    def pictures(self, names: Sequence[str]) -> list[Path]:
        """Return the files of templates; raises InvalidInput for one that is gone."""
        return [self.templates.gallery.get(name).picture for name in names]

    def keep(self, paths: Sequence[Path], tags: Sequence[str]) -> Template:
        """Add an upload to the gallery; raises what `Templates.keep` raises."""
        if not paths:
            raise InvalidInput("Choose a picture to keep first.")
        return self.templates.keep(paths[0], tags=tags)

    def remove(self, names: Sequence[str]) -> list[str]:
        """Remove templates of one's own; raises InvalidInput, before any is gone, for others."""
        found = [self.templates.gallery.get(name) for name in names]
        if not found or not all(template.own for template in found):
            raise InvalidInput("Check templates of your own: those that ship stay.")
        return [self.templates.remove(template.name).name for template in found]

    def look(self, path: Path) -> Looked:
        """Find the faces of a template; raises what `Templates.look` and `read_still` raise."""
        photo = self.templates.read(path)
        faces = self.templates.look(photo)
        return Looked(photo, faces, self.templates.suggest(photo, faces))

    def paint(
        self, paths: Sequence[Path], chosen: Sequence[str | None], config: TemplateConfig
    ) -> Job:
        """Queue templates; chosen: a name or LEFT for each face of the first.

        Into the others comes whoever came last, or fits. Raises InvalidInput at once.
        """
        if not paths:
            raise InvalidInput("Choose a picture first.")
        cast = {n: name for n, name in enumerate(chosen, 1) if name and name != LEFT}
        if not cast:
            raise InvalidInput("Choose who comes on at least one of the faces.")
        others = [(path, self._suggested(path, config)) for path in paths[1:]]
        work = MakeTemplate.of_all([(paths[0], cast), *others], config)
        return self.services.jobs.submit(work)

    def _suggested(self, path: Path, config: TemplateConfig) -> Cast:
        return self.templates.checked(self.templates.read(path), {}, config)[1]

    def paint_words(self, words: str, who: Sequence[str], config: TemplateConfig) -> Job:
        """Queue a picture that is drawn from words first; raises InvalidInput at once."""
        return self.services.jobs.submit(MakeTemplate.from_words(words, who, config))
