"""A garment that is tried on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from facechain_ext.base.events import Event
from facechain_ext.config import TryOnConfig
from facechain_ext.imaging.still import read_cut_out, read_still
from facechain_ext.jobs.work import Attempt, Facts, OfPerson, saved, seeded
from facechain_ext.studio.outfit import Outfit
from facechain_ext.studio.studio import Studio

FOLDER = "try-on"
"""Where pictures go that are of nobody in the library."""


@dataclass(frozen=True)
class TryOn(OfPerson):
    """Put a garment on somebody. photos: the garment's picture, then the photo if there is one.

    person: who it is, and whose portraits the pictures are kept with; may be empty.
    """

    kind: ClassVar[str] = "try-on"
    doing: ClassVar[str] = "Clothes on {}"
    person: str = ""
    photos: tuple[Path, ...] = ()
    try_on: TryOnConfig = field(default_factory=TryOnConfig)
    folder: Path | None = None

    @property
    def title(self) -> str:
        return super().title if self.person else "Clothes on a photo"

    @property
    def outfit(self) -> Outfit:
        """Read the pictures; raises what `read_still` raises."""
        garment, alpha = read_cut_out(self.photos[0])
        photo = read_still(self.photos[1]) if len(self.photos) > 1 else None
        return Outfit(garment, alpha, photo, self.person)

    def facts(self) -> Facts:
        folder = None if self.folder is None else str(self.folder.absolute())
        return {"try_on": asdict(self.try_on), "folder": folder}

    def require(self, studio: Studio) -> None:
        """Raises what `TryOn.check` raises."""
        studio.try_on.check(self.outfit, self.try_on)

    def settled(self, studio: Studio) -> TryOn:
        return replace(self, try_on=seeded(self.try_on))

    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        made = studio.try_on.make(self.outfit, self.try_on, attempt.tell)
        place = self.folder or studio.library.place_for(self.person, FOLDER)
        return saved(made, studio, self.person, place)
