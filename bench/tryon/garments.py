"""Garments that are made for the bench: shirts that people wear, dyed; and shirts drawn flat."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask, Photo, Pixels
from facechain_ext.nets import FaceNets

_Paint = Callable[[NDArray[np.int_], NDArray[np.int_]], NDArray[np.float64]]

_SHIRT = (
    (225, 110), (190, 118), (60, 210), (115, 290), (170, 245), (170, 520), (430, 520), (430, 245),
    (485, 290), (540, 210), (410, 118), (375, 110), (345, 142), (300, 154), (255, 142),
)  # fmt: skip
"""On 600 x 600, from the left end of the collar."""

_SIDE = 1200


def _either(
    chosen: NDArray[np.bool_], one: Sequence[int], other: Sequence[int]
) -> NDArray[np.float64]:
    return np.where(chosen[..., None], np.array(one, float), np.array(other, float))


PAINTS: dict[str, _Paint] = {
    "red": lambda x, y: _either(x >= 0, (190, 40, 50), (0, 0, 0)),
    "navy": lambda x, y: _either(x >= 0, (30, 40, 80), (0, 0, 0)),
    "striped": lambda x, y: _either((y // 36) % 2 == 0, (235, 235, 230), (30, 60, 140)),
    "checked": lambda x, y: _either((x // 48 + y // 48) % 2 == 0, (200, 170, 60), (60, 110, 70)),
    "dotted": lambda x, y: _either(
        (x % 72 - 36) ** 2 + (y % 72 - 36) ** 2 < 280, (250, 240, 220), (130, 20, 90)
    ),
    "black": lambda x, y: _either(x >= 0, (34, 30, 38), (0, 0, 0)),
}

FLAT = (
    ("striped", (225, 220, 210), False), ("black", (18, 16, 20), False),
    ("dotted", (255, 255, 255), True), ("red", (120, 95, 70), False),
    ("checked", (240, 240, 240), False), ("navy", (200, 205, 210), True),
)  # fmt: skip
"""Paint, the ground it lies on, and whether it is cut out by alpha."""


def dyed(worn: Photo, paint: str, nets: FaceNets) -> Photo:
    """Dye the clothes of whoever wears white ones; folds and shadows stay."""
    face = nets.detector.detect(worn.pixels)[0]
    share = nets.parts.read(worn.pixels, face).clothes[..., None]
    y, x = np.mgrid[: worn.pixels.shape[0], : worn.pixels.shape[1]]
    cloth = worn.pixels * PAINTS[paint](x, y) / 235
    pixels = np.clip(worn.pixels * (1 - share) + cloth * share, 0, 255)
    return Photo(f"{paint} on {worn.name}", pixels.astype(np.uint8))


def flat(number: int) -> tuple[Photo, Mask | None]:
    """Draw a shirt that lies on a ground, with noise, folds and uneven light."""
    paint, ground, by_alpha = FLAT[number % len(FLAT)]
    y, x = np.mgrid[:_SIDE, :_SIDE]
    mask = _shirt()
    light = 0.93 + 0.14 * (x + y) / (2 * _SIDE)
    folds = 1 + 0.06 * np.sin(x / 46 + y / 120) * mask
    drawn = np.where(mask[..., None] > 0.5, PAINTS[paint](x, y), np.array(ground, float))
    noise = np.random.default_rng(number).normal(0, 2, (_SIDE, _SIDE, 3))
    pixels: Pixels = np.clip(drawn * (light * folds)[..., None] + noise, 0, 255).astype(np.uint8)
    name = f"{paint} {'cut out' if by_alpha else 'laid flat'}"
    return Photo(name, pixels), mask if by_alpha else None


def _shirt() -> Mask:
    mask = np.zeros((_SIDE, _SIDE), np.float32)
    cv2.fillPoly(mask, [np.array(_SHIRT, np.int32) * (_SIDE // 600)], 1.0)
    return mask
