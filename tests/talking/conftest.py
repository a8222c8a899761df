"""One real face that may speak."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut as read_astronaut

from facechain_ext.base.records import Pixels
from facechain_ext.nets import FaceNets
from facechain_ext.talking.performance import Performer
from facechain_ext.talking.sitter import Sitter, find_sitter


@pytest.fixture(scope="session")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture(scope="session")
def astronaut() -> Pixels:
    """512 x 512; one face, 90 x 114 pixels, which smiles and shows teeth."""
    return np.ascontiguousarray(read_astronaut())


@pytest.fixture(scope="session")
def sitter(nets: FaceNets, astronaut: Pixels) -> Sitter:
    return find_sitter(astronaut, nets)


@pytest.fixture(scope="session")
def performer(sitter: Sitter) -> Performer:
    return Performer(sitter)
