"""Fixtures of the dataset tests: real nets on a free portrait, and what can be done to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut as read_astronaut

from facechain_ext.base.records import Instance, Photo, Pixels, PreparedPhoto
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset.prepare import prepare
from facechain_ext.nets import FaceNets

Prepare = Callable[..., PreparedPhoto]


@pytest.fixture(scope="session")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture(scope="session")
def astronaut() -> Pixels:
    """512 x 512; one face, 90 x 114 pixels."""
    return np.ascontiguousarray(read_astronaut())


@pytest.fixture(scope="session")
def judge(nets: FaceNets) -> Prepare:
    """Prepare one picture: judge(pixels, **options of PrepareConfig)."""

    def run(pixels: Pixels, *, name: str = "a.jpg", **options: object) -> PreparedPhoto:
        (judged,) = prepare([Photo(name, pixels)], PrepareConfig(**options), nets)
        return judged

    return run


@pytest.fixture(scope="session")
def instance(judge: Prepare, astronaut: Pixels) -> Instance:
    """The astronaut, prepared with the usual settings."""
    accepted = judge(astronaut).instance
    assert accepted is not None
    return accepted


@pytest.fixture(scope="session")
def named(instance: Instance) -> Callable[..., PreparedPhoto]:
    """Make an accepted photo: named("a", embedding=..., quality=...)."""
    from facechain_ext.dataset.verdicts import ACCEPTED

    def make(name: str, **changes: object) -> PreparedPhoto:
        return PreparedPhoto(name, ACCEPTED, replace(instance, name=name, **changes))

    return make


@pytest.fixture(scope="session")
def people() -> Path:
    folder = os.environ.get("FACECHAIN_PEOPLE")
    if not folder:
        pytest.skip("FACECHAIN_PEOPLE does not name the photo collection")
    return Path(folder)
