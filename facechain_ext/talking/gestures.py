"""What a head does while it speaks: it sways, nods where the voice is strong, and blinks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facechain_ext.talking.mouth_track import Curve

_PERIODS = (7.3, 4.1, 2.6)
"""Seconds; their sum does not come back soon."""
_NOD, _NOD_SECONDS = 0.5, 0.5
_BLINK_EVERY = (1.8, 5.5)
_BLINK = ((0.0, 0.0), (0.08, 1.0), (0.13, 1.0), (0.27, 0.0))
"""Seconds since it began, and how far the lids are down."""


@dataclass(frozen=True, eq=False)
class Gestures:
    """One number for each frame, (T,); 1 is as far as a calm speaker goes.

    turn: to the picture's right. nod: down. tilt: clockwise. brows: up. lids: 0 open .. 1 closed.
    """

    turn: Curve
    nod: Curve
    tilt: Curve
    brows: Curve
    lids: Curve


def make_gestures(
    loudness: Curve, fps: float, seed: int, *, motion: float = 1.0, blink: bool = True
) -> Gestures:
    """Invent gestures to a speech, the same for the same seed; motion scales those of the head."""
    generator = np.random.default_rng(seed)
    seconds: Curve = (np.arange(len(loudness), dtype=np.float64) + 0.5) / fps
    turn, nod, tilt, brows = (_swaying(seconds, generator) for _ in range(4))
    strength = _smoothed(loudness, _NOD_SECONDS * fps) - 0.4 * float(loudness.any())
    lids = _blinking(seconds, generator) if blink else np.zeros(len(seconds))
    return Gestures(
        turn=motion * turn,
        nod=motion * (0.7 * nod + _NOD * strength),
        tilt=motion * tilt,
        brows=motion * (0.4 * np.maximum(0, brows) + 0.8 * np.maximum(0, strength)),
        lids=lids,
    )


def _swaying(seconds: Curve, generator: np.random.Generator) -> Curve:
    """Add up slow waves that begin at no movement."""
    swaying = np.zeros(len(seconds))
    for period in _PERIODS:
        phase, size = generator.uniform(0, 2 * np.pi), generator.uniform(0.3, 0.6)
        swaying += size * np.sin(2 * np.pi * seconds / period + phase)
    return swaying * np.clip(seconds / 0.8, 0, 1)


def _blinking(seconds: Curve, generator: np.random.Generator) -> Curve:
    lids = np.zeros(len(seconds))
    times, closed = np.transpose(_BLINK)
    begin = generator.uniform(0.6, _BLINK_EVERY[1] / 2)
    end = float(seconds[-1]) if len(seconds) else 0.0
    while begin + times[-1] < end:
        lids = np.maximum(lids, np.interp(seconds - begin, times, closed))
        begin += generator.uniform(*_BLINK_EVERY)
    return lids


def _smoothed(curve: Curve, width: float) -> Curve:
    reach = max(1, round(width))
    kernel = np.hanning(2 * reach + 3)[1:-1]
    padded = np.pad(np.asarray(curve, np.float64), reach, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")
