"""LoRA layers as merged weights: W + scale * up @ down, made once a step for all layers.

No low-rank product then touches an activation. The sum is rounded once, from the precision that
the frozen weight has, and gradients flow from the merged weights to down and up by autograd.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class LoraLinear:
    """A frozen weight (out, in) and what trains on it: down (rank, in), up (out, rank)."""

    weight: Tensor
    down: nn.Parameter
    up: nn.Parameter
    scale: float


@dataclass(frozen=True)
class Place:
    """Where a stack of layers lies in the merged weights: group, and which piece of it."""

    group: int
    piece: int


@dataclass(eq=False)
class _Group:
    layers: list[LoraLinear] = field(default_factory=list)
    pieces: list[int] = field(default_factory=list)
    weights: Tensor | None = None


class MergedWeights:
    """Collects layers, then merges all those of one shape in one batched product."""

    def __init__(self, dtype: torch.dtype, exact: Mapping[Tensor, Tensor]) -> None:
        """dtype: of the merged weights. exact: frozen weights as they were before a cast."""
        self.dtype, self._exact = dtype, exact
        self._groups: dict[tuple[Any, ...], _Group] = {}
        self._pieces: list[tuple[Tensor, ...]] = []

    def place(self, layers: Sequence[LoraLinear]) -> Place:
        """Add layers of one shape, whose merged weights will be one tensor (sum of outs, in)."""
        first = layers[0]
        key = (*first.weight.shape, len(first.down), first.scale)
        group = self._groups.setdefault(key, _Group())
        group.layers.extend(layers)
        group.pieces.append(len(layers) * len(first.weight))
        return Place(list(self._groups).index(key), len(group.pieces) - 1)

    def refresh(self) -> None:
        """Merge the parameters as they are now; autograd follows where it is enabled."""
        device = next(iter(self._groups.values())).layers[0].weight.device.type
        # The last ones would keep autograd's nodes, and with them the stream they were made on.
        self._pieces = []
        with torch.autocast(device, enabled=False):
            self._pieces = [self._merge(group) for group in self._groups.values()]

    def at(self, place: Place) -> Tensor:
        """Return the merged weights of a place, as of the last refresh."""
        return self._pieces[place.group][place.piece]

    def _merge(self, group: _Group) -> tuple[Tensor, ...]:
        if group.weights is None:
            group.weights = self._stack(group.layers)
        wide = group.weights.dtype
        down = torch.stack([layer.down for layer in group.layers]).to(wide)
        up = torch.stack([layer.up for layer in group.layers]).to(wide)
        merged = torch.baddbmm(group.weights, up, down, alpha=group.layers[0].scale)
        return torch.split(merged.to(self.dtype).flatten(0, 1), group.pieces)

    def _stack(self, layers: Sequence[LoraLinear]) -> Tensor:
        """Stack frozen weights in a precision that holds both their own and the merged ones'."""
        exact = [self._exact.get(layer.weight, layer.weight).detach() for layer in layers]
        return torch.stack(exact).to(torch.promote_types(exact[0].dtype, self.dtype))
