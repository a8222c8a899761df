"""What a run shows of itself: smoothed loss, speed, time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from facechain_ext.base.events import Step

SMOOTHING = 0.95
"""Share of the shown loss that is carried over from the steps before."""


@dataclass
class Tally:
    """How often something was done, and the seconds it took."""

    times: int = 0
    seconds: float = 0.0

    @property
    def mean(self) -> float:
        return self.seconds / self.times if self.times else 0.0


class Smoothed:
    """A running mean that forgets slowly and starts unbiased (Kingma & Ba 2015, section 3).

    state: the weighted sum so far and its weight; all that another one needs to go on.
    """

    def __init__(self, state: tuple[float, float] = (0.0, 0.0)) -> None:
        self._sum, self._weight = state

    @property
    def state(self) -> tuple[float, float]:
        return self._sum, self._weight

    def add(self, value: float) -> None:
        self._sum = SMOOTHING * self._sum + (1 - SMOOTHING) * value
        self._weight = SMOOTHING * self._weight + (1 - SMOOTHING)

    @property
    def value(self) -> float:
        return self._sum / self._weight


class Pace:
    """Times steps and snapshots apart, since a snapshot takes as long as many steps."""

    def __init__(
        self,
        *,
        batch_size: int,
        steps: int,
        snapshots: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._batch_size, self._steps, self._snapshots = batch_size, steps, snapshots
        self._clock, self._passed = clock, 0
        self._step, self._snapshot = Tally(), Tally()

    @contextmanager
    def step(self) -> Iterator[None]:
        """Time one optimisation step."""
        with self._timed(self._step):
            yield

    def passed(self, steps: int) -> None:
        """Count how far the step has led: more than one where pictures were left out."""
        self._passed += steps

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Time one snapshot with its samples."""
        with self._timed(self._snapshot):
            yield

    @property
    def images_per_second(self) -> float:
        """Training pictures per second, snapshots left out."""
        return self._batch_size / self._step.mean if self._step.mean else 0.0

    @property
    def eta_seconds(self) -> float:
        """Seconds left; the first snapshot is known only after it was made."""
        steps_left = self._steps - self._passed
        snapshots_left = self._snapshots - self._snapshot.times
        step = self._step.seconds / self._passed if self._passed else 0.0
        return steps_left * step + snapshots_left * self._snapshot.mean

    @contextmanager
    def _timed(self, tally: Tally) -> Iterator[None]:
        start = self._clock()
        yield
        tally.seconds += self._clock() - start
        tally.times += 1


def seconds_per_step(steps: Sequence[Step]) -> float | None:
    """Return a past run's pace with its snapshots, by the time that it said was left half way.

    None where it has shown too little to tell.
    """
    known = [step for step in steps if step.step < step.total and step.eta_seconds > 0]
    if not known:
        return None
    middle = known[len(known) // 2]
    return middle.eta_seconds / (middle.total - middle.step)
