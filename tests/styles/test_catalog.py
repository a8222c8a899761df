"""The shipped styles and a folder of the user's own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import PortraitConfig
from facechain_ext.styles import Styles, find_style, load_styles, read_styles

OWN = {"name": "boat", "title": "Boat", "prompt": "{person}, on a boat"}


def write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_enough_styles_ship_and_the_default_is_among_them() -> None:
    styles = load_styles()
    assert PortraitConfig().style in styles
    assert len(styles) >= 14
    assert sum(style.mini for style in styles.values()) >= 14


def test_shipped_styles_leave_the_person_alone() -> None:
    """No hair or eye colour in a prompt, no skin marks in a negative prompt."""
    for style in load_styles().values():
        assert not any(word in style.prompt for word in ("hair", "eyes", "skin", "("))
        assert not any(
            word in style.negative_prompt for word in ("mole", "spot", "skin", "wrinkle")
        )


def test_own_styles_join_and_replace(tmp_path: Path) -> None:
    write(tmp_path, "boat.json", OWN)
    write(tmp_path, "more.json", [{**OWN, "name": "portrait"}, {**OWN, "name": "ship"}])
    (tmp_path / "notes.txt").write_text("no style", encoding="utf-8")
    styles = load_styles(tmp_path)
    assert {"boat", "ship"} <= set(styles)
    assert styles["portrait"].prompt == OWN["prompt"]
    assert set(styles) == set(load_styles()) | {"boat", "ship"}


def test_a_missing_folder_holds_no_styles(tmp_path: Path) -> None:
    assert load_styles(tmp_path / "nowhere") == load_styles()


@pytest.mark.parametrize("content", [{**OWN, "prompt": "no placeholder"}, [OWN, OWN], 5])
def test_a_bad_file_is_reported_and_left_out(tmp_path: Path, content: object) -> None:
    write(tmp_path, "bad.json", content)
    write(tmp_path, "good.json", {**OWN, "name": "ship"})
    problems: list[InvalidInput] = []
    styles = load_styles(tmp_path, on_problem=problems.append)
    assert "ship" in styles
    assert "boat" not in styles
    assert [str(problem)[:9] for problem in problems] == ["bad.json:"]


def test_a_bad_file_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, "bad.json", {})
    load_styles(tmp_path)
    assert "bad.json" in caplog.text


def test_a_folder_is_read_again_when_it_changes_and_a_bad_file_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    styles = Styles(tmp_path / "styles")
    assert styles.now() == load_styles()
    (tmp_path / "styles").mkdir()
    write(tmp_path / "styles", "bad.json", {})
    path = write(tmp_path / "styles", "boat.json", OWN)
    assert styles.now()["boat"].title == "Boat"
    assert styles.now() is styles.now()
    assert caplog.text.count("bad.json") == 1
    write(tmp_path / "styles", "boat.json", {**OWN, "title": "Ship"})
    os.utime(path, ns=(1, 1))  # clocks of file systems are coarse
    assert styles.now()["boat"].title == "Ship"
    path.unlink()
    assert "boat" not in styles.now()


def test_two_files_may_not_share_a_name(tmp_path: Path) -> None:
    write(tmp_path, "a.json", OWN)
    write(tmp_path, "b.json", {**OWN, "title": "Other"})
    problems: list[InvalidInput] = []
    assert load_styles(tmp_path, on_problem=problems.append)["boat"].title == "Boat"
    assert "a.json already has" in str(problems[0])


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b""])
def test_what_is_no_json_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"broken\.json"):
        read_styles(path)


def test_a_byte_order_mark_is_forgiven(tmp_path: Path) -> None:
    path = tmp_path / "boat.json"
    path.write_text(json.dumps(OWN), encoding="utf-8-sig")
    assert set(read_styles(path)) == {"boat"}


def test_a_near_name_is_suggested() -> None:
    styles = load_styles()
    assert find_style(styles, "evening") is styles["evening"]
    with pytest.raises(InvalidInput, match="business"):
        find_style(styles, "busines")
    with pytest.raises(InvalidInput, match="portrait"):
        find_style(styles, "zzz")


def test_no_colour_style_for_the_mini_says_light() -> None:
    """Light backgrounds in its training portraits are black and white; the word drains colour."""
    for style in load_styles().values():
        if style.mini and "color photo" in style.prompt:
            assert "light" not in style.prompt.replace(",", "").split()
