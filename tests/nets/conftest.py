"""One set of nets and one photo for all tests of the nets."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from facechain_ext.base.records import Face, Pixels, Points
from facechain_ext.nets import FaceNets


@pytest.fixture(scope="session")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture(scope="session")
def astronaut() -> Pixels:
    """A portrait of Eileen Collins, 512 x 512 (NASA, public domain)."""
    return np.ascontiguousarray(data.astronaut())


@pytest.fixture(scope="session")
def face(nets: FaceNets, astronaut: Pixels) -> Face:
    return nets.detector.detect(astronaut)[0]


@pytest.fixture(scope="session")
def mesh(nets: FaceNets, astronaut: Pixels, face: Face) -> Points:
    return nets.landmarker.locate(astronaut, face)


@pytest.fixture(scope="session")
def people() -> Path:
    """The photo collection that is not part of the repository."""
    folder = Path(os.environ.get("FACECHAIN_PEOPLE", "")) / "people"
    if not os.environ.get("FACECHAIN_PEOPLE") or not folder.is_dir():
        pytest.skip("FACECHAIN_PEOPLE does not name the photo collection")
    return folder
