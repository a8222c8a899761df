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
    with pytest.raises(InvalidInput, match=r"There is no style 'zzz'\.$"):
        find_style(styles, "zzz")


def test_no_colour_style_for_the_mini_says_light() -> None:
    """Light backgrounds in its training portraits are black and white; the word drains colour."""
    for style in load_styles().values():
        if style.mini and "color photo" in style.prompt:
            assert "light" not in style.prompt.replace(",", "").split()


BAD: dict[str, tuple[bytes, str]] = {
    "deep": (b"[" * 100_000, "cannot be read as JSON"),
    "closed": (b"[" * 100_000 + b"]" * 100_000, "cannot be read as JSON: too many brackets"),
    "cut": (b'{"name": "bo', "cannot be read as JSON"),
    "ansi": ('{"name": "b\xe4"}'.encode("cp1252"), "is not saved as UTF-8"),
    "wide": (json.dumps(OWN).encode("utf-16"), "is not saved as UTF-8"),
    "huge": (b" " * 1_000_001, "is longer than 1 MB"),
    "number": (b"7", "A style is an object"),
    "null": (b"null", "A style is an object with a name and a prompt, not null."),
    "blank": (b" \n", "bad.json holds nothing."),
    "empty": (b"[]", "bad.json holds nothing."),
    "half": (json.dumps({**OWN, "title": "\ud800"}).encode(), "must not contain the character"),
    "bell": (json.dumps({**OWN, "prompt": "{person}, \a"}).encode(), "must not contain the char"),
    "long": (json.dumps({**OWN, "prompt": "{person}, " + "x" * 5000}).encode(), "at most 5,000"),
    "named": (json.dumps({**OWN, "name": "b" * 5000}).encode(), "at most 60"),
    "listed": (json.dumps({**OWN, "name": ["boat"]}).encode(), "name must be text"),
    "nan": (json.dumps({**OWN, "lora_weight": float("nan")}).encode(), "between 0 and 2"),
}


@pytest.mark.parametrize("kind", BAD)
def test_whatever_is_bad_is_named_in_a_short_line_and_the_others_stay(
    tmp_path: Path, kind: str
) -> None:
    content, told = BAD[kind]
    (tmp_path / "bad.json").write_bytes(content)
    write(tmp_path, "good.json", {**OWN, "name": "ship"})
    problems: list[InvalidInput] = []
    styles = load_styles(tmp_path, on_problem=problems.append)
    assert set(styles) == {*load_styles(), "ship"}
    (problem,) = map(str, problems)
    assert problem.startswith("bad.json")
    assert told in problem
    assert len(problem) < 250
    assert set(Styles(tmp_path).now()) == set(styles)


def test_links_in_a_circle_folders_and_pipes_are_named_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "gone.json").symlink_to("nowhere.json")
    (tmp_path / "folder.json").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "._boat.json").write_bytes(b"\0\5\x16\7")
    write(tmp_path, "boat.json", OWN)
    problems: list[InvalidInput] = []
    assert "boat" in load_styles(tmp_path, on_problem=problems.append)
    assert "boat" in Styles(tmp_path).now()
    assert [str(problem).split()[0] for problem in problems] == sorted(
        path.name for path in tmp_path.iterdir() if not path.name.endswith("boat.json")
    )


def test_of_a_list_the_good_styles_stay(tmp_path: Path) -> None:
    write(tmp_path, "many.json", [OWN, {**OWN, "name": "Bad Name"}, 5, {**OWN, "name": "ship"}])
    problems: list[InvalidInput] = []
    assert {"boat", "ship"} <= set(load_styles(tmp_path, on_problem=problems.append))
    assert len(problems) == 2
    assert all(str(problem).startswith("many.json: ") for problem in problems)


def test_a_folder_that_is_a_loop_or_a_file_holds_no_styles(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_bytes(b"")
    for name in ("loop", "file", "x" * 300):
        assert Styles(tmp_path / name).now() == load_styles()


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ('"fusion_strength": 3', 9),
        ('"genders": ["dog"]', 9),
        ('"wieght": 1', 9),
        ('"lora_weight": "1"', 9),
    ],
)
def test_a_bad_style_is_named_with_line_and_reason(tmp_path: Path, broken: str, line: int) -> None:
    good = '{\n  "name": "boat",\n  "title": "Boat",\n  "prompt": "{person}"\n}'
    bad = f'{{\n  "name": "ship", "title": "Ship",\n  "prompt": "{{person}}",\n  {broken}\n}}'
    (tmp_path / "two.json").write_text(f"[{good},\n{bad}]", encoding="utf-8")
    problems: list[InvalidInput] = []
    assert "boat" in load_styles(tmp_path, on_problem=problems.append)
    assert str(problems[0]).startswith(f"two.json: Line {line}: Style 'ship'")


def test_what_cannot_be_read_as_json_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{\n  "name": "boat",\n  "title" "Boat"\n}', "utf-8")
    with pytest.raises(
        InvalidInput, match=r"bad\.json cannot be read as JSON: .* line 3, column 11"
    ):
        read_styles(tmp_path / "bad.json")
