"""The learning rate over a run."""

from __future__ import annotations

import math
from typing import Literal


def learning_rate(
    step: int, *, peak: float, total: int, warmup: int, kind: Literal["cosine", "constant"]
) -> float:
    """Return the rate of a 1-based step: a linear rise, then constant or half a cosine towards 0.

    A warm-up longer than the run ends with it; the last step's rate is never 0.
    """
    warmup = min(warmup, total)
    if step <= warmup:
        return peak * step / warmup
    if kind == "constant":
        return peak
    progress = (step - warmup - 1) / (total - warmup)
    return peak * 0.5 * (1 + math.cos(math.pi * progress))
