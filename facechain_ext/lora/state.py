"""A LoRA's tensors in memory, under kohya's names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import Family

DOWN, UP, ALPHA = ".lora_down.weight", ".lora_up.weight", ".alpha"

Parts = Mapping[str, Tensor]
"""One layer's tensors by what follows the layer's name and a dot: "lora_down.weight", "alpha"."""


class LoraState(dict[str, Tensor]):
    """Tensors by kohya's names; `name` is what an error message calls the LoRA.

    <layer>.lora_down.weight: (rank, in) or, of a convolution, (rank, in, k, k).
    <layer>.lora_up.weight: (out, rank) or (out, rank, 1, 1).
    <layer>.alpha: a scalar; the layer's change is alpha / rank * up @ down.
    Files from elsewhere may hold other parts; `kinds` knows them. told: the family of checkpoints
    that the file says it is for, None where it does not say.
    """

    def __init__(
        self,
        tensors: Mapping[str, Tensor] | None = None,
        *,
        name: str,
        told: Family | None = None,
    ) -> None:
        super().__init__(tensors or {})
        self.name = name
        self.told = told


def layer_names(state: Iterable[str]) -> list[str]:
    """Return the layers that a state changes by two factors, in order."""
    return [key.removesuffix(DOWN) for key in state if key.endswith(DOWN)]


def parts_of(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Group a state by layer, in order."""
    layers: dict[str, dict[str, Tensor]] = {}
    for key, tensor in state.items():
        layer, _, part = key.partition(".")
        layers.setdefault(layer, {})[part] = tensor
    return layers


def tensors_of(state: Mapping[str, Tensor], layer: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return a layer's down, up and alpha; alpha is the rank where the file gives none."""
    down, up = state[layer + DOWN], state[layer + UP]
    return down, up, state.get(layer + ALPHA, torch.tensor(float(len(down))))


def average(states: Sequence[Mapping[str, Tensor]]) -> LoraState:
    """Return the mean of snapshots of one training; raises InvalidInput for unlike ones."""
    if not states:
        raise InvalidInput("There is no LoRA to average.")
    first = states[0]
    for other in states[1:]:
        if _shapes(other) != _shapes(first):
            raise InvalidInput("Only snapshots of the same layers and rank can be averaged.")
    mean = {key: torch.stack([s[key].float() for s in states]).mean(0) for key in first}
    return LoraState({k: v.to(first[k].dtype) for k, v in mean.items()}, name="the mean LoRA")


def _shapes(state: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {key: tensor.shape for key, tensor in state.items()}
