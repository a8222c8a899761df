"""Photos as they are handed over: one at a time in memory, however many there are."""

from __future__ import annotations

import weakref
from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Photo, Pixels, PreparedPhoto
from facechain_ext.config import PrepareConfig
from facechain_ext.dataset import prepare as preparing
from facechain_ext.dataset.prepare import Unreadable, prepare
from facechain_ext.dataset.review import review
from facechain_ext.imaging import files
from facechain_ext.imaging.files import encode_jpeg
from facechain_ext.nets import FaceNets
from facechain_ext.studio.uploads import MOST_PHOTOS, read_uploads

CONFIG = PrepareConfig(size=128)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Two good photos, one without a face, a broken one."""
    contents = [
        encode_jpeg(astronaut()),
        encode_jpeg(np.zeros((64, 64, 3), np.uint8)),
        b"not a picture",
        encode_jpeg(astronaut()[:, ::-1]),
    ]
    paths = [tmp_path / f"{number}.jpg" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the decoded pictures that are in memory whenever another one is decoded."""
    pictures: list[weakref.ref[Pixels]] = []
    counts: list[int] = []
    decode = files.decode

    def counted(data: bytes, **options: object) -> Pixels:
        counts.append(sum(picture() is not None for picture in pictures))
        pixels = decode(data, **options)
        pictures.append(weakref.ref(pixels))
        return pixels

    monkeypatch.setattr(files, "decode", counted)
    return counts


def test_nothing_is_decoded_before_it_is_looked_at(paths: list[Path], alive: list[int]) -> None:
    uploads = read_uploads(paths, CONFIG)
    assert (len(uploads), alive) == (4, [])
    assert isinstance(uploads[-1], Photo)
    assert list(map(type, uploads)) == [Photo, Photo, Unreadable, Photo]
    assert uploads[1:3].paths == tuple(paths[1:3])
    assert set(alive) == {0}


@pytest.mark.model
def test_judging_holds_one_photo_at_a_time(paths: list[Path], alive: list[int]) -> None:
    judged: list[PreparedPhoto] = review(prepare(read_uploads(paths, CONFIG), CONFIG, FaceNets()))
    assert [photo.verdict.accepted for photo in judged].count(True) >= 1
    read_uploads(paths, CONFIG)[0]
    assert alive == [0] * 5


def test_an_unreadable_file_leaves_only_its_sentence(paths: list[Path]) -> None:
    upload = read_uploads(paths, CONFIG)[2]
    assert isinstance(upload, Unreadable)
    assert upload.error.__traceback__ is None
    assert upload.error.__context__ is None


def test_too_many_photos_are_refused_before_one_is_read(alive: list[int]) -> None:
    with pytest.raises(InvalidInput, match=f"201 photos are more than {MOST_PHOTOS}"):
        read_uploads([Path("a.jpg")] * 201, CONFIG)
    assert alive == []


@pytest.mark.parametrize("failure", [MemoryError(), ValueError("odd"), ZeroDivisionError("odd")])
def test_a_photo_that_fails_in_a_new_way_is_told_and_the_next_is_judged(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(preparing, "find_subject", fail)
    blank = Photo("a.jpg", np.zeros((8, 8, 3), np.uint8))
    verdicts = [p.verdict.message for p in prepare([blank, blank], CONFIG, FaceNets())]
    told = str(failure) or "MemoryError"
    assert verdicts == [f"a.jpg could not be processed ({told})."] * 2
