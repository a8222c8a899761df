"""InfoBatch: leave out pictures that are learned already, and let the rest stand for them.

Qin et al. 2024, "InfoBatch: Lossless Training Speed Up by Unbiased Dynamic Data Pruning" (arXiv
2303.04947), section 3: of the pictures whose loss is below the mean each is left out of an epoch
with probability `ratio`; those of them that stay count 1 / (1 - ratio) times, so that the expected
gradient is that of the whole set.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

ANNEALED = 0.125
"""Share of a run, at its end, that leaves nothing out (section 3.3)."""

MEMORY = 0.8
"""Share of a picture's running loss that is carried over: a single loss tells more of its noise
level than of its picture."""


class InfoBatch:
    """The running loss of every picture, and the choice of an epoch's pictures by it."""

    def __init__(self, count: int, ratio: float) -> None:
        self._ratio = ratio
        self._losses = torch.full((count,), torch.nan)

    def choose(self, rows: Sequence[int], generator: torch.Generator) -> dict[int, float]:
        """Return the rows to keep, in their order, each with the weight of its gradient."""
        chances = torch.rand(len(rows), generator=generator).tolist()
        mean = float(self._losses.nanmean())
        kept: dict[int, float] = {}
        for row, chance in zip(rows, chances, strict=True):
            learned = float(self._losses[row]) < mean  # never of one that was not seen yet
            if not learned:
                kept[row] = 1.0
            elif chance >= self._ratio:
                kept[row] = 1 / (1 - self._ratio)
        return kept

    def learn(self, rows: Sequence[int], losses: Sequence[float]) -> None:
        """Take the losses of pictures that a step has seen."""
        for row, loss in zip(rows, losses, strict=True):
            before = float(self._losses[row])
            seen = before == before
            self._losses[row] = MEMORY * before + (1 - MEMORY) * loss if seen else loss

    def state(self) -> Tensor:
        """Copy the running losses, (count,) float32, nan where a picture was not seen yet."""
        return self._losses.clone()

    def load_state(self, state: Tensor) -> None:
        """Go on from what `state` gave."""
        self._losses = state.clone()
