"""Paths as people give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.cli.paths import photos_in, require_writable


def test_photos_of_folders_and_files_come_once_and_without_a_macs_files(tmp_path: Path) -> None:
    folder = tmp_path / "été\n (1)"
    folder.mkdir()
    for name in ("b.jpg", "a.JPG", "._a.jpg", ".c.jpg", "notes.txt"):
        (folder / name).write_bytes(b"")
    given = [folder, folder / "b.jpg", folder / "._a.jpg", folder / "notes.txt"]
    assert [path.name for path in photos_in(given)] == ["a.JPG", "b.jpg", "notes.txt"]
    with pytest.raises(InvalidInput, match="No photos there"):
        photos_in([folder / "._a.jpg"])


@pytest.mark.parametrize("name", ["nothing", "loop", "gone.jpg", "file/a.jpg", "x" * 300])
def test_what_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InvalidInput, match=name):
        photos_in([tmp_path / name])


def test_trying_a_folder_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for folder in (tmp_path / "there", tmp_path / "a" / "b" / "c"):
        require_writable(folder)
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


@pytest.mark.parametrize(
    ("name", "told"),
    [("file", "file of that name"), ("file/in", "a file stands where"), ("x" * 300, "too long")],
)
def test_a_folder_that_cannot_be_written_says_why(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InvalidInput, match=f"Nothing can be written to .*{told}"):
        require_writable(tmp_path / name)


def test_a_full_disk_is_told_and_what_was_made_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(InvalidInput, match="the disk is full"):
        require_writable(tmp_path / "new")
    assert [*tmp_path.iterdir()] == []
