"""A pose taken from a portrait that somebody made before."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Pixels
from facechain_ext.config import PortraitConfig
from facechain_ext.imaging.pose_text import read_pose
from facechain_ext.jobs.works import MakePortraits
from facechain_ext.library.people import PeopleLibrary
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.earlier_pose import names_portrait, posed_as_before
from facechain_ext.studio.studio import Studio


def her(shift: int = 0) -> Pixels:
    return np.ascontiguousarray(astronaut()[:300, 60 + shift : 360 + shift])


def save(path: Path, pixels: Pixels, age: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    os.utime(path, (2_000_000_000 - age, 2_000_000_000 - age))


@pytest.fixture
def library(tmp_path: Path) -> PeopleLibrary:
    library = PeopleLibrary(tmp_path / "people", tmp_path / "lora", tmp_path / "out")
    library.create_or_get("Ana", "fcsks")
    return library


def nose(library: PeopleLibrary, pose: str, **settings: int) -> float:
    config = PortraitConfig(pose=pose, **settings)  # type: ignore[arg-type]
    read = posed_as_before(config, library, library.get("Ana"), FaceNets())
    return float(read_pose(read.pose).body[0, 0])


@pytest.mark.model
def test_the_newest_portrait_or_one_by_name_lends_its_pose(library: PeopleLibrary) -> None:
    folder = library.portraits_folder("Ana")
    save(folder / "01-5.png", her(), 50)
    save(folder / "deeper" / "02-6.png", her(40), 10)
    save(folder / "rejected" / "no_face-7.png", her(), 0)
    newest, first = nose(library, "Newest"), nose(library, "01-5.png")
    assert newest == nose(library, "02-6.png")
    assert abs((first - newest) * 300 - 40) < 6
    narrow = nose(library, "01-5.png", width=192, height=256)
    assert abs(narrow * 225 + 37.5 - first * 300) < 4, "cut to the shape of what is drawn"


def test_what_is_no_portrait_is_left_as_it_is(library: PeopleLibrary) -> None:
    for pose in ("", "front", "folder/01-5.png", "[[0.5,0.5]]"):
        config = PortraitConfig(pose=pose)
        assert not names_portrait(pose)
        assert posed_as_before(config, library, library.get("Ana"), FaceNets()) is config


def test_a_portrait_that_is_not_there_is_said(library: PeopleLibrary) -> None:
    with pytest.raises(InvalidInput, match="no portrait of Ana yet"):
        nose(library, "newest")
    save(library.portraits_folder("Ana") / "01-5.png", her(), 5)
    with pytest.raises(InvalidInput, match=r"no portrait '9\.png' of Ana.*newest are 01-5\.png"):
        nose(library, "9.png")


@pytest.mark.model
def test_a_job_writes_the_pose_down_that_a_second_try_must_find_again(tmp_path: Path) -> None:
    studio = Studio(DiffusersHost(tmp_path), FaceNets())
    studio.library.create_or_get("Ana", "fcsks")
    folder = studio.library.portraits_folder("Ana")
    save(folder / "01-5.png", her(), 5)
    settled = MakePortraits("Ana", PortraitConfig(pose="newest")).settled(studio)
    save(folder / "02-6.png", np.zeros_like(her()), 0)
    assert np.isfinite(read_pose(settled.portrait.pose).body[0]).all()
