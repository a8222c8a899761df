"""docs/photos.md says what the program says."""

from __future__ import annotations

from pathlib import Path

import pytest

from facechain_ext.base.records import Reason
from facechain_ext.dataset.checks import LEAST_NORM, LEAST_SHARPNESS, LEAST_VISIBLE, MOST_YAW
from facechain_ext.dataset.copies import COPY_CORRELATION
from facechain_ext.dataset.review import SAME_PERSON_AT_LEAST
from facechain_ext.dataset.verdicts import DISAGREEMENT, rejection

GUIDE = Path(__file__).parents[2] / "docs" / "photos.md"
MEASURED = {
    "name": "IMG_1.jpg",
    "other": "IMG_2.jpg",
    "pixels": 41,
    "least": 64,
    "percent": 62,
    "similarity": 0.12,
}
DETAILS = {
    Reason.UNREADABLE: "IMG_1.jpg is damaged or incomplete.",
    Reason.TOO_LARGE: "IMG_1.jpg has 120 megapixels; at most 80 are accepted.",
}


@pytest.fixture(scope="module")
def rows() -> dict[str, str]:
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    return {line.split("`")[1]: line for line in lines if line.startswith("| `")}


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_explained_with_its_sentence(rows: dict[str, str], reason: Reason) -> None:
    count = 4 if reason is Reason.OTHER_PERSON else 3
    detail = DETAILS.get(reason, "")
    assert rejection(reason, **MEASURED, count=count, detail=detail).message in rows[reason.value]


def test_the_limits_are_those_of_the_program(rows: dict[str, str]) -> None:
    assert f"{LEAST_VISIBLE:.0%}".replace("%", " %") in rows["face_cut_off"]
    assert f"{MOST_YAW:.0%}".replace("%", " %") in rows["turned_away"]
    assert f"sharpness {LEAST_SHARPNESS} " in rows["blurred"]
    assert f"length {LEAST_NORM} " in rows["blurred"]
    assert f"correlation {COPY_CORRELATION} " in rows["duplicate"]
    assert f"similarity {SAME_PERSON_AT_LEAST} " in rows["other_person"]


def test_the_warning_is_quoted() -> None:
    text = " ".join(GUIDE.read_text(encoding="utf-8").replace("> ", "").split())
    assert DISAGREEMENT.message in text
