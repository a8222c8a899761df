"""Files are listed, read and written whole."""

from __future__ import annotations

import os

import numpy as np
import pytest
from skimage import data

from facechain_ext.base.errors import InvalidInput, UnreadablePhoto
from facechain_ext.imaging import files


@pytest.fixture
def picture():
    return np.ascontiguousarray(data.astronaut()[::8, ::8])


def test_a_photo_with_a_difficult_name_is_written_listed_and_read(tmp_path, picture):
    folder = tmp_path / "Fotos für 李 (1)"
    folder.mkdir()
    files.write_atomic(folder / "Ünïcode näme.png", files.encode_png(picture))
    (path,) = files.list_photos(folder)
    photo = files.read_photo(path)
    assert photo.name == "Ünïcode näme.png"
    np.testing.assert_array_equal(photo.pixels, picture)


def test_only_photos_are_listed_by_name_and_without_subfolders(tmp_path):
    for name in ("b.JPG", "a.webp", "c.heic", ".hidden.jpg", "note.txt", "d.jpeg.part"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.jpg").mkdir()
    assert [path.name for path in files.list_photos(tmp_path)] == ["a.webp", "b.JPG", "c.heic"]


def test_listing_what_is_no_folder_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"nothing is not a folder\.$"):
        files.list_photos(tmp_path / "nothing")


def test_a_missing_photo_and_a_folder_are_unreadable(tmp_path):
    for path in (tmp_path / "gone.jpg", tmp_path):
        with pytest.raises(UnreadablePhoto, match="cannot be read"):
            files.read_photo(path)


def test_a_size_limit_reaches_the_decoder(tmp_path, picture):
    path = tmp_path / "a.png"
    files.write_atomic(path, files.encode_png(picture))
    with pytest.raises(InvalidInput, match="megapixels"):
        files.read_photo(path, max_megapixels=0.001)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "person.json"
    files.write_atomic(path, b"old")

    def refuse(source: object, target: object) -> None:
        raise PermissionError("in use")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["person.json"]


def test_a_write_replaces_what_was_there(tmp_path):
    path = tmp_path / "x.bin"
    for content in (b"one", b"two" * 1000, b""):
        files.write_atomic(path, content)
        assert path.read_bytes() == content


@pytest.mark.parametrize("size", [(64, 64), (30, 50), (200, 120), (1, 1)])
def test_resize_gives_the_size_and_keeps_the_mean(picture, size):
    resized = files.resize(picture, size)
    assert resized.shape == (size[1], size[0], 3)
    assert resized.dtype == np.uint8
    assert resized.mean() == pytest.approx(picture.mean(), abs=3)


def test_resize_to_the_same_size_is_the_same_picture(picture):
    assert files.resize(picture, (64, 64)) is picture


@pytest.mark.parametrize("quality", [60, 95])
def test_jpeg_comes_back_nearly_the_same(quality):
    picture = data.astronaut()
    back = files.decode(files.encode_jpeg(picture, quality), name="a.jpg")
    error = np.abs(back.astype(int) - picture).mean()
    assert error < {60: 4, 95: 2}[quality]
