"""Uploads are judged one by one, each with its picture and its sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import PrepareConfig
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.people.verdicts import MOST_PHOTOS, PhotoCheck, draw


@pytest.mark.model
def test_every_photo_gets_a_card(services: Services, photos: list[Path]) -> None:
    drawn = list(PhotoCheck(services.studio).cards(photos, PrepareConfig()))
    assert drawn[0].count('class="fc-photo fc-waiting"') == 3
    assert "Looking at photo 1 of 3" in drawn[0]
    last = drawn[-1]
    assert "1 of 3 photos can be used." in last
    kinds = re.findall(r'class="fc-photo fc-(\w+)"', last)
    assert kinds == ["good", "bad", "bad"]
    assert "No face was found in wall.jpg" in last
    assert last.count("<img ") == 2
    assert last.count("fc-nopicture") == 1


@pytest.mark.model
def test_two_photos_of_one_name_keep_their_own_verdicts(
    services: Services, photos: list[Path], tmp_path: Path
) -> None:
    twin = tmp_path / "other" / "wall.jpg"
    twin.parent.mkdir()
    twin.write_bytes(photos[0].read_bytes())
    *_, last = PhotoCheck(services.studio).cards([photos[1], twin], PrepareConfig())
    assert re.findall(r'class="fc-photo fc-(\w+)"', last) == ["bad", "good"]


def test_too_many_photos_are_refused_before_any_is_read(services: Services) -> None:
    paths = [Path(f"{number}.jpg") for number in range(MOST_PHOTOS + 1)]
    with pytest.raises(InvalidInput, match="21 photos are more than 20"):
        next(PhotoCheck(services.studio).cards(paths, PrepareConfig()))


def test_names_are_escaped() -> None:
    html = draw({}, [("<script>.jpg", "")])
    assert "<script>" not in html
    assert "&lt;script&gt;.jpg" in html
