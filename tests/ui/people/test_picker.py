"""The picker offers what can be decoded here, and nothing that is refused afterwards."""

from __future__ import annotations

import pytest

from facechain_ext.imaging.files import _SUFFIXES
from facechain_ext.ui.people import picker


@pytest.mark.parametrize("installed", [False, True])
def test_photos_of_iphones_are_offered_where_they_can_be_read(
    installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picker, "reads_heic", lambda: installed)
    offered = picker.file_types()
    assert (".heic" in offered, ".HEIC" in offered) == (installed, installed)
    assert ("pillow-heif" in picker.hint()) is not installed


def test_nothing_else_is_offered_than_what_is_read() -> None:
    assert {*map(str.lower, picker.file_types())} <= set(_SUFFIXES)
    assert ".JPG" in picker.file_types()
