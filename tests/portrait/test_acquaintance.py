"""A new face is the right person's, and nobody else's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from facechain_ext.base.records import Embedding, Face, Rejection
from facechain_ext.portrait.acquaintance import Acquaintance

PIXELS = np.zeros((50, 50, 3), np.uint8)


def unit(*values: float) -> Embedding:
    vector = np.array(values, np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def face(x: float = 10, side: float = 20) -> Face:
    return Face((x, 10, x + side, 10 + side), np.zeros((5, 2), np.float32), 0.9)


def nets(shown: Embedding, *faces: Face) -> Any:
    return SimpleNamespace(
        detector=SimpleNamespace(detect=lambda pixels: list(faces)),
        embedder=SimpleNamespace(embed=lambda pixels, face: shown),
    )


ANA, BEN = unit(1, 0, 0), unit(0, 1, 0)
KNOWN = Acquaintance(ANA, {"Ben": BEN, "Ana again": unit(1, 0.1, 0)})


@pytest.mark.parametrize(
    ("shown", "rejection"), [(unit(0.7, 0.2, 0.5), None), (unit(0.2, 0.7, 0.5), "not_alike")]
)
def test_the_nearest_must_be_the_person(shown: Embedding, rejection: str | None) -> None:
    score = KNOWN.judge(PIXELS, face(), 1, nets(shown, face()))
    assert score.rejection == (None if rejection is None else Rejection(rejection))
    assert score.similarity == pytest.approx(float(shown @ ANA))


def test_the_same_person_under_another_name_is_no_rival() -> None:
    assert KNOWN.rival(unit(1, 0.2, 0)) is None
    assert KNOWN.rival(unit(0.1, 1, 0)) == "Ben"


def test_there_must_be_one_face_where_one_was() -> None:
    shown = unit(1, 0, 0)
    none = KNOWN.judge(PIXELS, face(), 1, nets(shown, face(40)))
    assert (none.similarity, none.rejection) == (None, Rejection.NO_FACE)
    two = KNOWN.judge(PIXELS, face(), 1, nets(shown, face(), face(12)))
    assert two.rejection == Rejection.SEVERAL_FACES
    more = KNOWN.judge(PIXELS, face(), 1, nets(shown, face(), face(40)))
    assert more.rejection == Rejection.SEVERAL_FACES
    assert KNOWN.judge(PIXELS, face(), 2, nets(shown, face(), face(40))).ranked
