"""One real face, prepared as in training, and a picture as a model might draw it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.records import Instance, Photo, Pixels, Points
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset.prepare import prepare
from facechain_ext.dataset.review import require_usable
from facechain_ext.imaging.files import resize
from facechain_ext.nets import FaceNets


@pytest.fixture(scope="session")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture(scope="session")
def locate(nets: FaceNets) -> Callable[[Pixels], Points]:
    """Return the mesh of the largest face: locate(pixels)."""
    return lambda pixels: nets.landmarker.locate(pixels, nets.detector.detect(pixels)[0])


@pytest.fixture(scope="session")
def template(nets: FaceNets) -> Instance:
    photo = Photo("astronaut", np.ascontiguousarray(astronaut()))
    (instance,) = require_usable(list(prepare([photo], PrepareConfig(), nets)))
    return instance


@pytest.fixture(scope="session")
def picture() -> Pixels:
    """192 x 192; her pose, but hardly her: stretched, softened and lit from the left."""
    head = resize(np.ascontiguousarray(astronaut()[10:266, 90:346]), (236, 192))[:, 22:214]
    soft = cv2.GaussianBlur(head, (0, 0), 2.2)
    lamp = np.linspace(1.15, 0.6, 192, dtype=np.float32)[None, :, None]
    return np.clip(soft * lamp, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def landmarks(picture: Pixels, locate: Callable[[Pixels], Points]) -> Points:
    """The mesh of the picture."""
    return locate(picture)
