"""How near pictures come to a look, by colour and texture alone; what they show is not judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Pixels
from facechain_ext.imaging.thumbnail import shrunk

SIDE = 192
"""Longer side that pictures are compared at."""
BANDS = 4
"""Octaves of detail, from two pixels up."""
LEAST_SPREAD = (*(3.0,) * 6, *(0.15,) * (2 * BANDS))
"""Of colours in Lab, then of logarithms: what no eye tells apart counts no more than this."""


@dataclass(frozen=True, eq=False)
class LookMeasure:
    """Where the pictures of a look lie among all pictures. mean, spread: (F,)."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, pictures: Iterable[Pixels]) -> LookMeasure:
        """Measure a look; raises InvalidInput without pictures."""
        found = [features(pixels) for pixels in pictures]
        if not found:
            raise InvalidInput("There is no picture to measure a look by.")
        spread = np.maximum(np.std(found, axis=0), LEAST_SPREAD)
        return cls(np.mean(found, axis=0), spread)

    def distance(self, pixels: Pixels) -> float:
        """Return how far a picture is, in spreads of the look: its own pictures are about 1."""
        off = (features(pixels) - self.mean) / self.spread
        return float(np.sqrt(np.mean(np.square(off))))

    def closeness(self, pictures: tuple[Pixels, ...]) -> tuple[float | None, ...]:
        """Return, for each, 1 where it is as near as the look's own, 1/2 where twice as far."""
        return tuple(1 / max(self.distance(pixels), 1.0) for pixels in pictures)


def features(pixels: Pixels) -> NDArray[np.float64]:
    """Return mean and spread of the three Lab colours, then of every band of detail how strong it
    is and how unevenly it is spread, as logarithms; (6 + 2 * BANDS,)."""
    small = shrunk(pixels, SIDE).astype(np.float32) / np.float32(255)
    lab = cv2.cvtColor(np.ascontiguousarray(small), cv2.COLOR_RGB2LAB)
    colours = lab.reshape(-1, 3).astype(np.float64)
    texture = [fact for band in _bands(lab[..., 0]) for fact in _told(band)]
    return np.array([*colours.mean(axis=0), *colours.std(axis=0), *texture])


def _bands(light: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Split lightness into octaves of detail (Burt & Adelson 1983)."""
    blurred = [light, *(cv2.GaussianBlur(light, (0, 0), 2.0**n) for n in range(BANDS))]
    return [fine - coarse for fine, coarse in pairwise(blurred)]


def _told(band: NDArray[np.float32]) -> tuple[float, float]:
    strength = float(np.sqrt(np.mean(np.square(band)))) + 0.05
    even = (float(np.abs(band).mean()) + 0.02) / strength
    return float(np.log(strength)), float(np.log(even))
