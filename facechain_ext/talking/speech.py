"""What a voice says or a recording holds: samples, and which sound is made when."""

from __future__ import annotations

from collections.abc import Sequence
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
        return replace(self, samples=np.clip(self.samples * np.float32(volume), -1, 1))


def joined(parts: Sequence[Speech], pause: float = 0.0) -> Speech:
    """Say one thing after the other, with so many seconds between them.

    Raises InvalidInput where there is nothing, or the rates differ.
    """
    rates = {part.rate for part in parts}
    if len(rates) != 1:
        raise InvalidInput(f"Speech of one rate can be joined, not of {sorted(rates) or 'none'}.")
    rate = rates.pop()
    silence = np.zeros(round(pause * rate), np.float32)
    samples: list[Samples] = []
    phones: list[Phone] = []
    length = 0
    for part in parts:
        if samples:
            samples.append(silence)
            length += len(silence)
        phones += [phone.moved(length / rate) for phone in part.phones]
        samples.append(part.samples)
        length += len(part.samples)
    return Speech(np.concatenate(samples), rate, tuple(phones))
