"""The bench of templates: its pictures are the same every time, and its table counts right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.templates.groups import SIZES, group
from bench.templates.report import to_markdown


@pytest.fixture
def strangers(tmp_path: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for number in range(6):
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.full((250, 250, 3), 30 * number, np.uint8)).save(path)
        found[f"stranger {number}"] = [path]
    return found


def test_a_group_is_the_same_for_the_same_number(strangers: dict[str, list[Path]]) -> None:
    for number, size in enumerate(SIZES):
        photo, names = group(number, strangers)
        again, _ = group(number, strangers)
        assert np.array_equal(photo.pixels, again.pixels)
        assert len(set(names)) == size
        assert len(photo.pixels) == 420


def face(person: str, nearest: str | None, similarity: float = 0.6) -> dict[str, object]:
    told = {"similarity": similarity, "nearest": nearest}
    return {
        "person": person,
        "nearest": nearest,
        "swapped": nearest == "Ben",
        "seam_before": 1.0,
        "seam_after": 1.1,
        **({"sface": told} if nearest else {}),
    }


def test_the_table_counts_who_is_not_found_as_wrong() -> None:
    faces = [face("Ana", "Ana", 0.7), face("Ana", "Ben", 0.5), face("Ana", None)]
    shared = {"outside": 0, "kept": 0, "seconds": 30.0, "all": 4, "ranked": True}
    table = to_markdown(
        [{"faces": faces, **shared}, {"refused": "No."}], trained=1, steps=9, known=9
    )
    assert "| 1, 3, 1 |" in table
    assert "33.3% (1 of 3)" in table
    assert "| 0.600 |" in table
    assert "| swapped | 0 | 1 |" in table
    assert "| pictures refused |  | 1 |" in table
    assert "| seconds a face |  | 10 |" in table
    assert "dlib | 95 % | not measured" in table
