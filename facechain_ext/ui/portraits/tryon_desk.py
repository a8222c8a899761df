"""What the Try on panel does, without a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Pixels
from facechain_ext.config import TryOnConfig
from facechain_ext.config.tryon import Part
from facechain_ext.imaging.still import read_cut_out
from facechain_ext.jobs.queue import Job
from facechain_ext.jobs.tryon_work import FOLDER, TryOn
from facechain_ext.tryon.garment import read_garment
from facechain_ext.ui.portraits.desk import PortraitDesk

NOBODY = "(nobody)"

_FADED = 0.18
"""How much is seen of what does not belong to a garment."""


@dataclass(frozen=True)
class TryOnDesk(PortraitDesk):
    """Tries clothes on on behalf of one or more open pages."""

    kind: ClassVar[str] = TryOn.kind
    noun: ClassVar[str] = "clothes"
    how: ClassVar[str] = "Choose a picture of a garment and a photo, and press Try on."
    needs_somebody: ClassVar[bool] = False

    def cut_out(self, path: Path, part: Part = "auto") -> Pixels:
        """Return a garment's picture with all else faded; raises what `read_garment` raises."""
        picture, alpha = read_cut_out(path)
        garment = read_garment(picture, alpha, self.services.studio.nets, part)
        share = (_FADED + (1 - _FADED) * garment.mask)[..., None]
        grey = np.float32(128)
        return np.asarray(np.rint(garment.pixels * share + grey * (1 - share)), np.uint8)

    def try_on(
        self, garment: Path | None, photo: Path | None, name: str | None, config: TryOnConfig
    ) -> Job:
        """Queue a garment to try on; raises InvalidInput at once for what cannot be."""
        if garment is None:
            raise InvalidInput("Choose a picture of a garment first.")
        person = "" if name in (None, NOBODY) else str(name)
        worn = config.way == "worn"
        photos = (garment,) if worn or photo is None else (garment, photo)
        return self.services.jobs.submit(TryOn(person, photos, config))

    def folder(self, name: str) -> Path:
        return self.services.studio.library.place_for(name, FOLDER)
