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


needs_fifos = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")


@needs_fifos
def test_a_pipe_and_a_device_do_not_keep_us_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "endless.jpg").symlink_to("/dev/zero")
    for name in ("pipe.jpg", "endless.jpg"):
        with pytest.raises(UnreadablePhoto, match=f"{name} cannot be read: it is a pipe or a dev"):
            files.read_photo(tmp_path / name)
    assert files.list_photos(tmp_path) == []


def test_a_file_too_long_for_a_photo_is_refused_unread(tmp_path, monkeypatch):
    path = tmp_path / "video.jpg"
    with path.open("wb") as stream:
        stream.truncate(60 * 2**30)
    monkeypatch.setattr(type(path), "open", lambda *_: pytest.fail("opened"))
    told = r"^video\.jpg has 61,440 MB; at most 674 are accepted\.$"
    with pytest.raises(InvalidInput, match=told) as caught:
        files.read_photo(path)
    assert not isinstance(caught.value, UnreadablePhoto)


def test_what_the_system_refuses_is_told_in_words(tmp_path):
    with pytest.raises(UnreadablePhoto, match=r"a\.jpg cannot be read: there is no such file"):
        files.read_photo(tmp_path / "a.jpg")
    with pytest.raises(UnreadablePhoto, match=r"cannot be read: the name is too long"):
        files.read_photo(tmp_path / ("a" * 300 + ".jpg"))
    with pytest.raises(UnreadablePhoto, match=r"cannot be read: a file stands where a folder"):
        (tmp_path / "b").write_bytes(b"")
        files.read_photo(tmp_path / "b" / "a.jpg")


def test_link_loops_and_a_macs_files_are_no_photos(tmp_path, picture):
    for name in ("a.jpg", "._a.jpg", ".b.jpg"):
        files.write_atomic(tmp_path / name, files.encode_png(picture))
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    assert [path.name for path in files.list_photos(tmp_path)] == ["a.jpg"]
    with pytest.raises(UnreadablePhoto, match="its links lead in a circle"):
        files.read_photo(tmp_path / "loop.jpg")
    with pytest.raises(InvalidInput, match=r"loop\.jpg is not a folder"):
        files.list_photos(tmp_path / "loop.jpg")
