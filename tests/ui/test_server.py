"""The folder of a page: gone with it, and with the next page when it was killed."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

import pytest

from facechain_ext.ui.server import ADDRESS, FOLDER, _folder_of_this_page


def test_what_a_killed_page_left_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with socket.create_server((ADDRESS, 0)) as once:
        port = once.getsockname()[1]
    dead, odd, mine = (
        tmp_path / f"{FOLDER}{port}-abc",
        tmp_path / f"{FOLDER}no port",
        tmp_path / "something else",
    )
    for folder in (dead, odd, mine):
        folder.mkdir()
        (folder / "photo.jpg").write_bytes(b"a face")
    with _folder_of_this_page() as first:
        assert not dead.exists()
        assert not odd.exists()
        assert mine.is_dir()
        with _folder_of_this_page() as second:
            assert first.is_dir()
            assert second != first
        assert not second.exists()
    assert list(tmp_path.iterdir()) == [mine]
