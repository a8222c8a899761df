"""What becomes of real photos; needs the collection that is not part of the repository."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from facechain_ext.base.records import Gender, PreparedPhoto, Reason
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset.prepare import prepare
from facechain_ext.dataset.review import review
from facechain_ext.imaging.files import read_photo
from facechain_ext.nets import FaceNets

pytestmark = [pytest.mark.people, pytest.mark.slow]

PRESS = ("deepface_01", "deepface_13", "deepface_26", "lionel_messi", "maria_sharapova")


def judged(folder: Path, nets: FaceNets) -> list[PreparedPhoto]:
    photos = [read_photo(path) for path in sorted(folder.iterdir())]
    return review(prepare(photos, PrepareConfig(), nets))


def test_the_demo_photos_are_all_used_and_agree(people: Path, nets: FaceNets) -> None:
    photos = judged(people / "demo", nets)
    assert [p.verdict.message for p in photos] == ["Accepted."] * 8
    assert {p.instance.attributes.gender for p in photos if p.instance} == {Gender.WOMAN}


@pytest.mark.parametrize("name", PRESS)
def test_press_photos_are_used_but_for_two_turned_far(
    people: Path, nets: FaceNets, name: str
) -> None:
    rejected = {
        p.name: p.verdict.reason
        for p in judged(people / "people" / "hires" / name, nets)
        if not p.verdict.accepted
    }
    turned = ("006.jpg", "008.jpg") if name == "lionel_messi" else ()
    assert rejected == dict.fromkeys(turned, Reason.TURNED_AWAY)


def test_neutral_and_smiling_studio_photos_are_no_copies(people: Path, nets: FaceNets) -> None:
    verdicts = Counter(
        photo.verdict.reason
        for folder in sorted((people / "people" / "london_ccby").iterdir())
        for photo in judged(folder, nets)
    )
    assert verdicts == {None: 24}


def test_a_stranger_among_news_photos_is_found(people: Path, nets: FaceNets) -> None:
    folders = sorted((people / "people" / "lfw250").iterdir())
    for mine, other in zip(folders[:6], folders[6:12], strict=True):
        paths = [*sorted(mine.iterdir())[:4], sorted(other.iterdir())[0]]
        photos = [read_photo(path) for path in paths]
        prepared = list(prepare(photos, PrepareConfig(), nets))
        if sum(p.verdict.accepted for p in prepared[:4]) < 2 or not prepared[4].verdict.accepted:
            continue
        reasons = [p.verdict.reason for p in review(prepared)]
        assert reasons[4] is Reason.OTHER_PERSON
        assert Reason.OTHER_PERSON not in reasons[:4]
