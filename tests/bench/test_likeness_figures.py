"""The bench's figures on embeddings whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from bench.likeness.figures import Person, mean_gain, reference, row, top_beats_random
from bench.likeness.folders import told

NOBODY = [np.nan, np.nan, np.nan]
A, B, C = np.eye(3, dtype=np.float32)


def towards(target: np.ndarray, share: float) -> list[float]:
    """Return a unit vector with this similarity to a base vector."""
    return (share * target + np.sqrt(1 - share**2) * np.roll(target, 1)).tolist()


def person(face: np.ndarray, **pictures: list[list[float]]) -> Person:
    known = {"held_back": [face.tolist()], "trained": [face.tolist()]}
    return {k: np.array(v, np.float32) for k, v in {**known, **pictures}.items()}


def test_the_reference_is_a_unit_vector_that_ignores_missing_faces() -> None:
    mean = reference(np.array([A, B, NOBODY], np.float32))
    np.testing.assert_allclose(mean, (A + B) / np.sqrt(2), rtol=1e-6)


def test_a_folder_is_told_with_what_has_no_face_as_nothing() -> None:
    pictures = np.array([towards(A, 0.9), towards(A, 0.3), NOBODY], np.float32)
    assert told(pictures, A) == "3 pictures, 2 with a face, 0.400 ± 0.374"


def test_a_row_averages_over_people() -> None:
    people = {
        "a": person(A, lora=[towards(A, 0.9), towards(A, 0.5)]),
        "b": person(B, lora=[towards(B, 1.0), towards(B, 1.0)]),
    }
    result = row(people, "lora")
    assert result.similarity == pytest.approx((0.7 + 1.0) / 2)
    # towards(A, 0.5) points more to B than to A.
    assert result.rank_1 == pytest.approx(0.75)
    assert result.faces == 1


def test_a_picture_without_a_face_counts_nothing_and_misses() -> None:
    people = {"a": person(A, lora=[towards(A, 0.8), NOBODY]), "b": person(C, lora=[C, C])}
    result = row(people, "lora")
    assert result.similarity == pytest.approx((0.4 + 1.0) / 2)
    assert result.rank_1 == pytest.approx(0.75)
    assert result.faces == pytest.approx(0.75)


def test_strangers_are_everybody_else() -> None:
    people = {"a": person(A, lora=[towards(A, 0.6)]), "b": person(B, lora=[towards(B, 0.0)])}
    # towards(A, .6) is .8 towards B; towards(B, 0) is C, nothing of A.
    assert row(people, "lora").stranger == pytest.approx(0.4)


def test_gains_are_paired_by_person() -> None:
    people = {
        "a": person(A, lora=[towards(A, 0.9)], last=[towards(A, 0.8)]),
        "b": person(B, lora=[towards(B, 0.6)], last=[towards(B, 0.5)]),
    }
    gain, error = mean_gain(people, "lora", "last")
    assert gain == pytest.approx(0.1, abs=1e-6)
    assert error == pytest.approx(0.0, abs=1e-6)


def test_the_top_ranked_portrait_is_ranked_by_one_judge_and_beaten_by_another() -> None:
    ranked = {"a": person(A, lora=[towards(A, 0.9), towards(A, 0.5), NOBODY])}
    agrees = {"a": person(B, lora=[towards(B, 0.8), towards(B, 0.7), NOBODY])}
    differs = {"a": person(B, lora=[towards(B, 0.6), towards(B, 0.7), NOBODY])}
    assert top_beats_random(ranked, agrees, "lora") == 1.0
    assert top_beats_random(ranked, differs, "lora") == 0.5


def test_a_stranger_can_take_the_first_place() -> None:
    people = {"a": person(A, lora=[towards(A, 0.5)])}
    assert row(people, "lora").rank_1 == 1
    assert row(people, "lora", np.stack([C])).rank_1 == 1
    assert row(people, "lora", np.stack([B, C])).rank_1 == 0
