from __future__ import annotations

from pathlib import Path

import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.dataset.look_captions import (
    common_tags,
    of_tags,
    read_sidecar,
    usual_tags,
    with_trigger,
)


@pytest.mark.parametrize("name", ["a.txt", "a.png.txt"])
def test_a_caption_is_read_from_beside_its_picture(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes("\ufeffa café,\n  rain\r\n".encode())
    assert read_sidecar(tmp_path / "a.png") == "a café, rain"


def test_no_file_is_no_caption(tmp_path: Path) -> None:
    assert read_sidecar(tmp_path / "a.png") is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\xff\xfe\x00", "no UTF-8"),
        (b"a" * 2001, "2,001 letters"),
        (b"a" * 200_000, "too long"),
        (b"a\x00b", "no text"),
    ],
)
def test_what_is_no_caption_is_named(tmp_path: Path, data: bytes, told: str) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(InvalidInput, match=rf"a\.txt.*{told}"):
        read_sidecar(tmp_path / "a.png")


def test_tags_become_words() -> None:
    assert of_tags(["long_coat", " rain ", "", "a,b"]) == "long coat, rain, a b"


@pytest.mark.parametrize(
    ("caption", "whole"),
    [
        ("rain,  night", "fclook, rain, night"),
        ("rain, fclook", "fclook, rain"),
        ("", "fclook"),
        ("fclook", "fclook"),
    ],
)
def test_the_trigger_word_comes_first_and_once(caption: str, whole: str) -> None:
    assert with_trigger(caption, "fclook") == whole


def test_common_is_what_more_than_half_say_but_not_all() -> None:
    captions = [
        "fclook, Paper, rain, night",
        "fclook, paper, rain, night",
        "fclook, paper, rain",
        "fclook, paper, sea, night, night",
    ]
    assert common_tags(captions, "fclook") == ["rain", "night"]
    assert common_tags(["a, b", "a, c"], "fclook") == []  # half is not more than half
    assert usual_tags(captions, "fclook") == ["paper", "rain", "night"]


@pytest.mark.parametrize(
    "tag",
    [
        "1girl",
        "blue_eyes",
        "long hair",
        "solo",
        "masterpiece",
        "best_quality",
        "raw photo",
        "a (b)",
    ],
)
def test_what_belongs_to_the_person_and_praise_are_no_look(tag: str) -> None:
    assert common_tags([f"{tag}, rain", f"{tag}, rain", "sea"], "fclook") == ["rain"]
