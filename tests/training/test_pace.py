from __future__ import annotations

import pytest

from facechain_ext.base.events import Step
from facechain_ext.training.pace import Pace, Smoothed, seconds_per_step


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_snapshots_count_for_the_time_left_but_not_for_the_speed() -> None:
    clock = Clock()
    pace = Pace(batch_size=4, steps=10, snapshots=2, clock=clock)
    assert (pace.images_per_second, pace.eta_seconds) == (0.0, 0.0)
    for _ in range(5):
        pace.passed(1)
        with pace.step():
            clock.now += 2.0
    with pace.snapshot():
        clock.now += 30.0
    assert pace.images_per_second == 2.0
    assert pace.eta_seconds == 5 * 2.0 + 30.0


def test_the_smoothed_loss_starts_at_the_first_loss_and_follows() -> None:
    loss = Smoothed()
    loss.add(3.0)
    assert loss.value == pytest.approx(3.0)
    for _ in range(200):
        loss.add(1.0)
    assert loss.value == pytest.approx(1.0, abs=1e-3)


def step(number: int, left: float) -> Step:
    return Step(number, 10, 0.1, 1e-3, 4.0, left)


def test_a_past_run_tells_its_pace_by_what_was_left_half_way() -> None:
    steps = [step(number, (10 - number) * 3.0) for number in range(1, 11)]
    assert seconds_per_step(steps) == 3.0
    assert seconds_per_step(steps[-1:]) is None
    assert seconds_per_step([]) is None
