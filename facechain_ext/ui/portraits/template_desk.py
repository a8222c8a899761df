"""What the Templates panel does, without a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Photo
from facechain_ext.config import TemplateConfig
from facechain_ext.imaging.still import read_still
from facechain_ext.jobs.queue import Job
from facechain_ext.jobs.template_work import MakeTemplate
from facechain_ext.portrait.casting import Cast
from facechain_ext.portrait.numbered import NumberedFace
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

    def look(self, path: Path) -> Looked:
        """Find the faces of a template; raises what `Templates.look` and `read_still` raise."""
        photo, templates = read_still(path), self.services.studio.templates
        faces = templates.look(photo)
        return Looked(photo, faces, templates.propose(faces))

    def paint(
        self, paths: Sequence[Path], chosen: Sequence[str | None], config: TemplateConfig
    ) -> Job:
        """Queue a template; chosen: a name or LEFT for each face. Raises InvalidInput at once."""
        if not paths:
            raise InvalidInput("Choose a picture first.")
        cast = {n: name for n, name in enumerate(chosen, 1) if name and name != LEFT}
        if not cast:
            raise InvalidInput("Choose who comes on at least one of the faces.")
        return self.services.jobs.submit(MakeTemplate.of(paths[0], cast, config))
