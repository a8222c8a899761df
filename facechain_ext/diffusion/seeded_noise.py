"""Noise that depends on the seeds alone, whatever machine draws it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class SeededNoise:
    """A row of CPU noise for every seed; each draw goes on where the seed's last one ended."""

    def __init__(self, seeds: Sequence[int], shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def draw(self) -> Tensor:
        """Draw unit noise (len(seeds), *shape)."""
        rows = [torch.randn(self._shape, generator=each) for each in self._generators]
        return torch.stack(rows)
