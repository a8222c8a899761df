"""facechain template: faces told, and what cannot be done said in one line with nothing written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facechain_ext.cli.main import main
from facechain_ext.library.people import PeopleLibrary
from tests.bad_templates import BAD, Bad

pytestmark = pytest.mark.slow(10)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "group.png"
    Image.fromarray(np.concatenate([astronaut()[:300, 60:360]] * 2, axis=1)).save(path)
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    code = main(["template", *map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_faces_are_told_without_painting(
    capsys: pytest.CaptureFixture[str], template: Path, tmp_path: Path
) -> None:
    code, told = run(capsys, template, "--look", "--data-dir", tmp_path / "data")
    assert code == 0
    assert [(face["face"], face["person"]) for face in told["faces"]] == [(1, None), (2, None)]
    assert told["faces"][0]["gender"] == "woman"
    assert told["faces"][0]["box"][2] < 300 < told["faces"][1]["box"][0]


def test_a_template_is_kept_listed_used_by_its_name_and_removed(
    capsys: pytest.CaptureFixture[str], template: Path, tmp_path: Path
) -> None:
    data = ("--data-dir", tmp_path / "data")
    code, told = run(capsys, template, "--keep", "--tags", "park, pair", *data)
    assert code == 0
    assert [(each["name"], each["faces"], each["tags"]) for each in told["kept"]] == [
        ("group", 2, ["park", "pair"])
    ]
    names = [each["name"] for each in run(capsys, "--list", *data)[1]["templates"]]
    assert "group" in names
    assert len(names) > 3
    (found,) = run(capsys, "--list", "pair", "PARK", *data)[1]["templates"]
    assert (found["name"], found["own"]) == ("group", True)
    code, told = run(capsys, "group", template, "--look", *data)
    assert (code, len(told["faces"])) == (0, 4)
    assert run(capsys, "group", "--remove", *data)[0] == 0
    code, told = run(capsys, "group", "--look", *data)
    assert (code, "no template 'group'" in told["error"]) == (2, True)


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_a_template_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, bad: Bad
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    library = PeopleLibrary(data / "facechain" / "people", data / "lora", data / "out")
    for name in ("Ana", "Ben"):
        library.create_or_get(name, "fcsks")
    picture = tmp_path / f"bad{bad.suffix}"
    picture.write_bytes(bad.content)
    people = ",".join(f"{number}={name}" for number, name in bad.cast.items())
    code, told = run(capsys, picture, "--people", people, "--data-dir", data, "--out", out)
    assert code == 2
    assert bad.told in told["error"]
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["{t}", "--people", "Ana"], "1=Ana,2=Ben"),
        (["{t}", "--people", ""], "names nobody"),
        (["{t}", "--people", "1=Ana"], "Ana"),
        (["{t}"], "Nobody can be proposed"),
        (["missing.png"], "missing.png"),
        (["missing"], "no template 'missing'"),
        (["{t}", "missing.png"], "missing.png"),
        ([], "Name a picture"),
        (["{t}", "--people", "1=Ana", "--who", "Ana"], "--people"),
        (["{t}", "--who", "Ana"], "Ana"),
        (["{t}", "--who", "Ana,,Ben"], "--who"),
        (["{t}", "--words", "a pair", "--who", "Ana"], "neither pictures"),
        (["--words", "a pair"], "who comes"),
        (["--words", "a pair", "--who", "Ana,Ben"], "Ana"),
        (["{t}", "--keep", "--list"], "only one"),
        (["{t}", "--tags", "park"], "--keep"),
        (["--remove"], "--remove needs"),
        (["missing", "--remove"], "no template 'missing'"),
        (["missing.png", "--keep"], "missing.png"),
        (["{t}", "--strength", "2"], "strength"),
        (["{t}", "--mask", "nose"], "nose"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str],
    template: Path,
    tmp_path: Path,
    arguments: list[str],
    word: str,
) -> None:
    given = [text.replace("{t}", str(template)) for text in arguments]
    out = tmp_path / "out"
    code, told = run(capsys, *given, "--data-dir", tmp_path / "data", "--out", out)
    assert code == 2
    assert word in told["error"]
    assert not out.exists()
    assert not [*(tmp_path / "data").rglob("*.png")]
