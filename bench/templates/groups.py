"""Group pictures put together from photos of people whom nobody trained on."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from facechain_ext.base.records import Photo, Pixels
from facechain_ext.imaging.files import read_photo, resize

SIZES = (2, 3, 4, 5, 1)
"""People in one picture, in turn."""

_HEIGHT = 420
_SCALES = (1.1, 1.6)
"""Of a photo of 250 pixels, whose face is about 100 wide."""

_CUT = 0.62
"""Share of a photo's width that is used: neighbours' boxes touch, and hair overlaps."""


def group(number: int, strangers: Mapping[str, Sequence[Path]]) -> tuple[Photo, list[str]]:
    """Put a picture together, the same one for the same number; returns it and who is on it."""
    chance = random.Random(number)
    names = chance.sample(sorted(strangers), SIZES[number % len(SIZES)])
    parts = [_part(chance, chance.choice(strangers[name])) for name in names]
    canvas = np.concatenate(parts, axis=1)
    return Photo(f"group-{number:03d}.png", canvas), names


def _part(chance: random.Random, path: Path) -> Pixels:
    """Cut the middle of a photo out, at some size, on a strip of the picture's height."""
    pixels = read_photo(path).pixels
    height, width = pixels.shape[:2]
    cut = round(width * (1 - _CUT) / 2)
    scale = chance.uniform(*_SCALES)
    middle = pixels[:, cut : width - cut]
    size = (round(middle.shape[1] * scale), round(height * scale))
    large = resize(np.ascontiguousarray(middle), size)
    above = chance.randrange(max(1, _HEIGHT - size[1]))
    below = max(0, _HEIGHT - size[1] - above)
    padded = np.pad(large, ((above, below), (0, 0), (0, 0)), mode="edge")
    return np.ascontiguousarray(padded[:_HEIGHT])
