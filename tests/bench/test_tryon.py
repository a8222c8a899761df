"""The bench of try-on: its garments are the same every time, and its table counts right."""

from __future__ import annotations

import numpy as np
import pytest

from bench.tryon.garments import FLAT, PAINTS, flat
from bench.tryon.measure import psnr
from bench.tryon.report import below_table, to_markdown, worn_table


def test_a_flat_garment_is_the_same_for_the_same_number() -> None:
    for number in (0, 2):
        picture, alpha = flat(number)
        again, _ = flat(number)
        assert np.array_equal(picture.pixels, again.pixels)
        assert (alpha is not None) == FLAT[number][2]
        assert FLAT[number][0] in PAINTS


def facts(lab: float, **changes: object) -> dict[str, object]:
    told = {"name": "a shirt", "lab": lab, "lab of all": lab + 1, "outside": 0.0, "left": 0.1}
    return {**told, "beyond": 2, "face": 0, "similarity": 1.0, "seconds": 3.0, **changes}


def test_the_table_counts_what_was_made_and_tells_what_was_refused() -> None:
    table = to_markdown([facts(1.0), facts(5.0), {"name": "a hat", "refused": "No garment."}])
    assert "| pairs; refused | 20 and more; 0 | 3; 1 |" in table
    assert "| pairs with colours less than 4 apart | all | 1 of 2 |" in table
    assert "3.0, 3.0, 5.0" in table
    assert "| pixels changed away from the body | 0 | 4 |" in table
    assert "- a hat: No garment." in table


def test_the_table_of_what_is_worn_below_counts_right() -> None:
    made = {"name": "a", "lab": 3.0, "outside": 0.1, "far": 0.0, "elsewhere": 0, "face": 0}
    table = below_table([{**made, "seconds": 2.0}, {"name": "b", "refused": "It ends there."}])
    assert "| pairs; refused | 10 and more | 2; 1 |" in table
    assert "| of the garment beyond the body: mean, worst |  | 10.0%, 10.0% |" in table
    assert "- b: It ends there." in table


def test_the_table_of_worn_clothes_counts_right() -> None:
    def worn(similarity: float, *, nearest: bool, psnr: float) -> dict[str, object]:
        alike = {"similarity": similarity, "nearest": nearest}
        told = {"name": "a", "psnr": psnr, "changed": 1, "ranked": nearest, "sface": alike}
        return {**told, "seconds": 1.0}

    made = [worn(0.7, nearest=True, psnr=99), worn(0.5, nearest=False, psnr=45)]
    table = worn_table([*made, {"name": "b", "refused": "No garment."}])
    assert "| pairs; refused | 20 and more; 0 | 3; 1 |" in table
    assert "| clothes away from the blend, dB: least | 40 | 45 |" in table
    assert "| pixels changed of these clothes | 0 | 2 |" in table
    assert "| nearest to the person, sface | 98% | 50.0% (1 of 2) |" in table
    assert "| mean similarity, sface | 0.60 | 0.600 |" in table
    assert "dlib" not in table


def test_equal_pixels_have_no_noise() -> None:
    pixels = np.full((8, 8, 3), 100, np.uint8)
    mask = np.ones((8, 8), np.float32)
    assert psnr(pixels, pixels, mask) == 99
    assert psnr(pixels, pixels + np.uint8(10), mask) == pytest.approx(28.13, abs=0.01)
