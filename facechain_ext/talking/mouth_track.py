"""How the mouth moves while it speaks: phones with times to a shape for every frame.

A mouth is never at one sound alone: it comes from the last and goes to the next (Cohen and Massaro
1993). Each phone pulls with its firmness at what is near it in time; lips that must meet do meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from facechain_ext.talking.mouth_shapes import REST, MouthShape, shape_of
from facechain_ext.talking.speech import Phone, Samples

Curve = NDArray[np.float64]
"""One number for each frame, shape (T,)."""

_STEP = 0.005
_SPREAD = 0.035
"""Standard deviation in seconds of what a sound still reaches; rounding comes earlier."""
_ROUNDING_SPREAD = 0.05
_REACH = 3
_PARTING, _GIVING_WAY = 0.04, 0.025
"""Seconds in which lips that met come apart, and how long before its end a sound lets them."""
_STILL = 0.015
"""Openings below this are none: a mouth at rest does not quiver."""
_QUIETEST, _LOUDEST = 0.75, 1.25


@dataclass(frozen=True, eq=False)
class MouthTrack:
    """opening: 0 closed .. 1 widest. width: -1 round .. +1 wide."""

    opening: Curve
    width: Curve

    def __len__(self) -> int:
        return len(self.opening)


def track_mouth(
    phones: Sequence[Phone], loudness: Curve, fps: float, *, expression: float = 1.0
) -> MouthTrack:
    """Return the mouth at the middle of every frame; there are as many as loudness has numbers.

    loudness: 0..1, relative to the speech's own. expression: scales what the mouth does.
    """
    frames = len(loudness)
    count = max(1, round(frames / fps / _STEP))
    shapes, turns = _shapes_over_time(phones, count)
    opening = _pulled([shape.opening for shape in shapes], shapes, turns, _SPREAD)
    width = _pulled([shape.width for shape in shapes], shapes, turns, _ROUNDING_SPREAD)
    opening *= _closing(phones, count)
    times = ((np.arange(frames) + 0.5) / fps / _STEP).astype(int).clip(0, count - 1)
    gain = _QUIETEST + (_LOUDEST - _QUIETEST) * np.asarray(loudness, np.float64)
    seen = _met(opening[times], phones, fps) * gain * expression
    seen[seen < _STILL] = 0.0
    return MouthTrack(seen.clip(0, 1), (width[times] * expression).clip(-1, 1))


def loudness_of(samples: Samples, rate: int, fps: float) -> Curve:
    """Return for each frame how loud it is, 0..1 of the loud parts; silence is 0 throughout."""
    frames = max(1, round(len(samples) / rate * fps))
    edges = np.linspace(0, len(samples), frames + 1).astype(int)
    parts = (samples[begin:end] for begin, end in pairwise(edges.tolist()))
    energy = np.fromiter((float(part @ part) for part in parts), np.float64, frames)
    level = np.sqrt(energy / np.maximum(1, np.diff(edges)))
    loud = float(np.percentile(level, 90))
    if loud < 1e-5:
        return np.zeros(frames)
    return _blurred(np.clip(level / loud, 0, 1), 1.0)


def _shapes_over_time(
    phones: Sequence[Phone], count: int
) -> tuple[list[MouthShape], NDArray[np.int64]]:
    """Return the shapes, the first of them rest, and which one each step of time belongs to."""
    shapes, turns = [REST], np.zeros(count, np.int64)
    for phone in phones:
        begin, end = int(phone.start / _STEP), int(np.ceil(phone.end / _STEP))
        if phone.symbol.strip():
            turns[begin:end] = len(shapes)
            shapes.append(shape_of(phone.symbol))
    return shapes, turns


def _pulled(
    values: list[float], shapes: list[MouthShape], turns: NDArray[np.int64], spread: float
) -> Curve:
    """Average a value over the neighbourhood in time, each sound by its firmness."""
    firmness = np.array([shape.firmness for shape in shapes])[turns]
    wanted = np.array(values)[turns]
    width = spread / _STEP
    return _blurred(firmness * wanted, width) / _blurred(firmness, width)


def _closing(phones: Sequence[Phone], count: int) -> Curve:
    """Return factors that go down to 0 in the middle of sounds at which the lips meet."""
    factor = np.ones(count)
    times = (np.arange(count) + 0.5) * _STEP
    for phone in phones:
        if shape_of(phone.symbol).closed:
            middle = (phone.start + phone.end) / 2
            shut = max(0.0, (phone.end - phone.start) / 2 - _GIVING_WAY)
            parted = np.abs(times - middle) - shut
            np.minimum(factor, np.clip(parted / _PARTING, 0, 1), out=factor)
    return factor


def _met(opening: Curve, phones: Sequence[Phone], fps: float) -> Curve:
    """Close the frame nearest to the middle of each sound at which the lips meet: 25 frames a
    second would else miss the shortest."""
    for phone in phones:
        frame = int((phone.start + phone.end) / 2 * fps)
        if shape_of(phone.symbol).closed and frame < len(opening):
            opening[frame] = 0.0
    return opening


def _blurred(curve: Curve, width: float) -> Curve:
    """Smooth with a Gaussian of so many steps that is cut off, so that far away is 0 exactly."""
    reach = max(1, int(_REACH * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    padded = np.pad(np.asarray(curve, np.float64), reach, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")
