"""The shift between phones and their hiss is found."""

from __future__ import annotations

import numpy as np
import pytest

from bench.hiss import hiss_shift
from facechain_ext.talking.speech import Phone, Speech

RATE = 24000


@pytest.mark.parametrize("late", [-0.05, 0.0, 0.06])
def test_phones_that_come_late_are_to_be_moved_back(late: float) -> None:
    hum = np.sin(np.arange(2 * RATE) * 2 * np.pi * 200 / RATE).astype(np.float32)
    noise = np.random.default_rng(0).standard_normal(RATE // 4).astype(np.float32)
    hum[RATE // 2 : RATE // 2 + len(noise)] = noise
    speech = Speech(hum, RATE, (Phone("a", 0.1, 0.3), Phone("s", 0.5 + late, 0.75 + late)))
    assert hiss_shift(speech) == pytest.approx(-late, abs=0.006)


def test_without_a_hiss_nothing_is_to_be_moved() -> None:
    assert hiss_shift(Speech(np.ones(RATE, np.float32), RATE, (Phone("a", 0, 1),))) == 0
