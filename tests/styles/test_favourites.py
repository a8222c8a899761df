"""Styles that the user has marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from facechain_ext.styles.favourites import FILE, Favourites


def test_marks_are_kept_in_their_order_and_taken_back(tmp_path: Path) -> None:
    favourites = Favourites(tmp_path / "new" / FILE)
    assert favourites.names() == ()
    assert [favourites.toggle(name) for name in ("warm", "snow", "warm", "warm")] == [
        True, True, False, True,
    ]  # fmt: skip
    assert Favourites(tmp_path / "new" / FILE).names() == ("snow", "warm")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000, b"3", b'{"a": 1}', b"[1]"])
def test_a_damaged_file_holds_none_and_is_written_anew(tmp_path: Path, content: bytes) -> None:
    favourites = Favourites(tmp_path / FILE)
    favourites.path.write_bytes(content)
    assert favourites.names() == ()
    favourites.toggle("snow")
    assert favourites.names() == ("snow",)
