"""What is told of lips: when they meet, whether they rest in silence, and how late they are."""

from __future__ import annotations

import numpy as np
import pytest

from bench import lips
from facechain_ext.talking.speech import Phone

FPS = 25
SAID = (Phone("a", 0.2, 0.4), Phone("p", 0.4, 0.5), Phone("a", 0.5, 0.8), Phone("m", 1.0, 1.08))


@pytest.mark.parametrize("late", [-2, 0, 3])
def test_a_shift_is_found(late: int) -> None:
    wanted = lips.wanted_of(SAID, 40, FPS)
    seen = lips.synchrony(np.roll(wanted, late) * 0.3, wanted, FPS)
    assert seen["offset_ms"] == 40 * late
    assert late or seen["correlation"] == pytest.approx(1)


def test_lips_meet_in_the_middle_or_a_frame_beside_it() -> None:
    opening = np.full(40, 0.2)
    opening[12] = 0.0
    assert lips.met(opening, SAID, FPS) == (1, 2)


def test_a_mouth_quivers_only_where_it_is_silent() -> None:
    loudness = np.zeros(40)
    loudness[20:] = 1
    opening = np.zeros(40)
    opening[18:] = 0.3
    assert lips.quiver(opening, loudness) == 0
    opening[5] = 0.1
    assert lips.quiver(opening, loudness) == pytest.approx(0.1)
    assert lips.quiver(opening, np.ones(40)) == 0
