"""The photos commands: a person's photos listed, added to and deleted one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.cli.main import main
from facechain_ext.imaging.files import encode_png


@pytest.fixture
def her(tmp_path: Path) -> Path:
    path = tmp_path / "her.png"
    path.write_bytes(encode_png(np.ascontiguousarray(astronaut())))
    return path


@pytest.fixture
def nearer(tmp_path: Path) -> Path:
    path = tmp_path / "nearer.png"
    path.write_bytes(encode_png(np.ascontiguousarray(astronaut()[:320, 60:380])))
    return path


def told(capsys: pytest.CaptureFixture[str], data_dir: Path, *arguments: object) -> Any:
    capsys.readouterr()
    flags = ["--name", "Ana", "--data-dir", str(data_dir), "--json"]
    code = main(["photos", *map(str, arguments), *flags])
    return code, json.loads(capsys.readouterr().out)


def test_photos_come_beside_those_that_are_there_and_go_one_by_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, her: Path, nearer: Path
) -> None:
    data = tmp_path / "data"
    code, first = told(capsys, data, "add", her)
    assert (code, [each["verdict"] for each in first["photos"]]) == (0, ["accepted"])
    (kept,) = (each["photo"] for each in first["photos"])
    _, both = told(capsys, data, "add", nearer)
    assert [each["file"] for each in both["photos"]] == ["her.png", "nearer.png"]
    assert both["photos"][0]["photo"] == kept
    assert told(capsys, data, "list") == (0, both)
    code, refused = told(capsys, data, "delete", "nobody", "--yes")
    assert (code, refused) == (2, {"error": "Ana has no photo 'nobody'."})
    _, left = told(capsys, data, "delete", kept, "--yes")
    assert kept not in [each["photo"] for each in left["photos"]]
    photos = data / "facechain" / "people" / "ana" / "photos"
    assert kept not in [path.stem for path in photos.iterdir()]


def test_nothing_goes_without_an_answer(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, her: Path
) -> None:
    _, first = told(capsys, tmp_path / "data", "add", her)
    code, refused = told(capsys, tmp_path / "data", "delete", first["photos"][0]["photo"])
    assert code == 2
    assert "Nothing was deleted" in refused["error"]
    assert told(capsys, tmp_path / "data", "list")[1] == first


def test_who_is_not_there_has_no_photos(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, refused = told(capsys, tmp_path / "data", "list")
    assert code == 2
    assert "Ana" in refused["error"]
