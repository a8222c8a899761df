"""What is to be tried on, and by whom."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from facechain_ext.base.records import Mask, Photo


@dataclass(frozen=True, eq=False)
class Outfit:
    """What is tried on. garment, alpha: its picture, and how opaque that is. photo: who puts it on.

    person: their name in the library; may be empty where there is a photo.
    """

    garment: Photo
    alpha: Mask | None = None
    photo: Photo | None = None
    person: str = ""

    @property
    def mark(self) -> str:
        """A digest of everything that is seen on the pictures."""
        digest = hashlib.sha256()
        photo = None if self.photo is None else self.photo.pixels
        for pixels in (self.garment.pixels, self.alpha, photo):
            digest.update(repr(None if pixels is None else pixels.shape).encode())
            digest.update(b"" if pixels is None else np.ascontiguousarray(pixels).data)
        return digest.hexdigest()
