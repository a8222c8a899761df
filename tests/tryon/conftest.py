"""A photo of a person, and garments that are drawn here."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.records import Mask, Photo, Pixels
from facechain_ext.nets import FaceNets
from facechain_ext.tryon.figure import Figure, read_figure

SHIRT = np.array(
    [
        (225, 110), (190, 118), (60, 210), (115, 290), (170, 245), (170, 520), (430, 520),
        (430, 245), (485, 290), (540, 210), (410, 118), (375, 110), (350, 140), (300, 152),
        (250, 140),
    ],
    np.int32,
)  # fmt: skip
"""A T-shirt on 600 x 600 pixels, from the left end of the collar counter-clockwise."""


def shirt_mask() -> Mask:
    mask = np.zeros((600, 600), np.float32)
    cv2.fillPoly(mask, [SHIRT], 1.0)
    return mask


def drawn_shirt(colour: tuple[int, int, int], ground: tuple[int, int, int]) -> Pixels:
    """Draw the shirt with noise, and a light that changes over the ground."""
    y, x = np.mgrid[:600, :600]
    light = 0.94 + 0.12 * (x + y)[..., None] / 1200
    mask = shirt_mask()[..., None]
    noise = np.random.default_rng(0).normal(0, 1.5, (600, 600, 3))
    drawn = (mask * colour + (1 - mask) * ground) * light + noise
    return np.clip(drawn, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture(scope="session")
def her() -> Photo:
    return Photo("her.jpg", astronaut())


@pytest.fixture(scope="session")
def figure(nets: FaceNets, her: Photo) -> Figure:
    return read_figure(her, nets)
