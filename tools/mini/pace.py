"""How long and how fast to train: so many steps or seconds, at a rate that falls as a cosine."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from tools.mini.flat_adam import FlatAdam

WARMUP = 100
LEAST = 0.02
"""Share of the rate that the last steps keep."""
TOLD_EVERY, LOOKED_EVERY = 500, 20


@dataclass(frozen=True)
class Pace:
    """At most so many steps, and so many seconds where they are given."""

    steps: int
    seconds: float | None
    rate: float

    def train(
        self,
        step: Callable[[int], None],
        adam: FlatAdam,
        loss: Tensor,
        save: Callable[[int], None],
    ) -> int:
        """Train; `step` leaves gradients and adds to `loss`, `save` is called at times and last.

        Returns the steps done.
        """
        started, number, done = time.monotonic(), 0, 0.0
        while done < 1:
            step(number)
            adam.step(self.rate * min(1.0, (number + 1) / WARMUP) * _cosine(done))
            number += 1
            done = max(done, number / self.steps)
            if number % LOOKED_EVERY == 0 and self.seconds is not None:
                done = max(done, _seconds_since(started, loss) / self.seconds)
            if number % TOLD_EVERY == 0:
                _tell(number, _seconds_since(started, loss), loss)
                save(number)
        save(number)
        return number


def _cosine(done: float) -> float:
    return max(LEAST, 0.5 + 0.5 * math.cos(math.pi * done))


def _seconds_since(started: float, loss: Tensor) -> float:
    """Return the seconds, once the card has caught up."""
    if loss.is_cuda:
        torch.cuda.synchronize()
    return time.monotonic() - started


def _tell(number: int, seconds: float, loss: Tensor) -> None:
    print(f"{seconds:6.1f} s  step {number}  loss {loss.item() / TOLD_EVERY:.5f}", flush=True)
    loss.zero_()
