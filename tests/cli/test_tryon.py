"""facechain try-on: a picture written and told, or one sentence and nothing written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facechain_ext.cli.main import main
from tests.tryon.bodies import dyed, trousers
from tests.tryon.conftest import drawn_shirt, shirt_mask

pytestmark = pytest.mark.slow(10)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """g: a shirt with alpha. p: a photo. w: a wall. two: two people. j: trousers on white."""
    shirt = drawn_shirt((40, 110, 80), (255, 255, 255))
    alpha = np.rint(shirt_mask() * 255).astype(np.uint8)
    drawn = {
        "g": np.dstack([shirt, alpha]),
        "p": astronaut(),
        "j": dyed(trousers(), (40, 60, 120)),
        "w": np.full((120, 120, 3), 90, np.uint8),
        "two": np.concatenate([astronaut()[:, :400]] * 2, axis=1),
    }
    folder = tmp_path_factory.mktemp("pictures")
    for name, pixels in drawn.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return {name: folder / f"{name}.png" for name in drawn}


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    code = main(["try-on", *map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_garment_is_put_on_a_photo(
    capsys: pytest.CaptureFixture[str], pictures: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    data = ["--data-dir", tmp_path / "data", "--out", out]
    code, told = run(capsys, pictures["g"], "--photo", pictures["p"], "--seam", 0, *data)
    assert code == 0
    assert told["way"] == "fitted"
    (picture,) = told["pictures"]
    assert Path(picture["file"]).parent == out
    written = np.array(Image.open(picture["file"]))
    assert np.array_equal(written[:150], astronaut()[:150])
    assert np.abs(written[400:450, 150:230].mean(axis=(0, 1)) - (40, 110, 80)).max() < 15


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["g"], "--photo is missing"),
        (["g", "--photo", "w"], "No face was found in w.png"),
        (["g", "--photo", "two"], "two.png shows 2 people"),
        (["two", "--photo", "p"], "two.png shows 2 people"),
        (["w", "--photo", "p"], "No garment was found in w.png"),
        (["missing.png", "--photo", "p"], "missing.png"),
        (["g", "--photo", "p", "--name", "Ana"], "Ana"),
        (["p", "--way", "worn"], "Say who"),
        (["p", "--way", "worn", "--name", "Ana", "--photo", "p"], "takes no --photo"),
        (["g", "--photo", "p", "--seam", "2"], "seam"),
        (["g", "--photo", "p", "--way", "thrown"], "thrown"),
        (["g", "--photo", "p", "--part", "feet"], "feet"),
        (["j", "--photo", "p"], "For what is worn below the waist choose a photo"),
        (["p", "--photo", "p", "--part", "lower"], "the garment alone"),
        (["p", "--photo", "p", "--part", "dress"], "the garment alone"),
        (["j", "--photo", "p", "--part", "upper"], "j.png shows trousers"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str],
    pictures: dict[str, Path],
    tmp_path: Path,
    arguments: list[str],
    word: str,
) -> None:
    given = [pictures.get(text, text) for text in arguments]
    out = tmp_path / "out"
    code, told = run(capsys, *given, "--data-dir", tmp_path / "data", "--out", out)
    assert code == 2
    assert word in told["error"]
    assert told["error"].count("\n") == 0
    assert not out.exists()
    assert not [*(tmp_path / "data").rglob("*.png")]
