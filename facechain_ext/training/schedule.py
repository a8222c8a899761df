"""How long a run is, and the learning rate over it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from facechain_ext.config import TrainConfig

STEPS_PER_PHOTO, MOST_STEPS = 200, 1000
"""What likeness asks for (docs/decisions/0014)."""


def with_steps(config: TrainConfig, photos: int) -> TrainConfig:
    """Return a config whose steps, where they are automatic, follow the number of photos."""
    return replace(config, max_train_steps=steps_of(config, photos))


def steps_of(config: TrainConfig, photos: int) -> int:
    """Return the steps that were chosen, or what suits so many photos where nobody chose."""
    return config.max_train_steps or min(STEPS_PER_PHOTO * max(photos, 1), MOST_STEPS)


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
