"""What a voice says or a recording holds: samples, and which sound is made when."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.errors import InvalidInput

Samples = NDArray[np.float32]
"""Mono sound, shape (N,), values -1..1."""


@dataclass(frozen=True)
class Phone:
    """One sound: its IPA symbol, empty for a pause, and when it is made, in seconds."""

    symbol: str
    start: float
    end: float

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise InvalidInput(f"A sound cannot last from {self.start} to {self.end} s.")

    def moved(self, seconds: float) -> Phone:
        return replace(self, start=self.start + seconds, end=self.end + seconds)


@dataclass(frozen=True, eq=False)
class Speech:
    """Sound and the phones in it, in their order; rate: samples a second."""

    samples: Samples
    rate: int
    phones: tuple[Phone, ...] = ()

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def at_volume(self, volume: float) -> Speech:
        """Make it louder or softer; what would be too loud is cut off."""
        if volume == 1:
            return self
        louder = self.samples * np.float32(volume)
        return replace(self, samples=np.clip(louder, -1, 1, out=louder))


def joined(parts: Iterable[Speech], pause: float = 0.0) -> Speech:
    """Say one thing after the other, with so many seconds between them; none is held for long.

    Raises InvalidInput where there is nothing, or the rates differ.
    """
    samples, phones, rates = array("f"), list[Phone](), set[int]()
    for part in parts:
        rates.add(part.rate)
        if samples:
            samples.frombytes(bytes(4 * round(pause * part.rate)))
        phones += [phone.moved(len(samples) / part.rate) for phone in part.phones]
        samples.frombytes(np.ascontiguousarray(part.samples, np.float32).tobytes())
    if len(rates) != 1:
        raise InvalidInput(f"Speech of one rate can be joined, not of {sorted(rates) or 'none'}.")
    return Speech(np.frombuffer(samples, np.float32), rates.pop(), tuple(phones))
