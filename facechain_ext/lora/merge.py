"""Add LoRAs to a model's weights for a while: drawing then costs no more than without them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import Family
from facechain_ext.lora.family import TITLES, family_of_lora
from facechain_ext.lora.state import DOWN, LoraState, layer_names, tensors_of

logger = logging.getLogger(__name__)


class Mergeable(Protocol):
    """A model whose layers are known by kohya's LoRA names; a layer may have several."""

    @property
    def family(self) -> Family: ...
    def lora_layers(self) -> dict[str, nn.Module]: ...


@contextmanager
def merged(model: Mergeable, uses: Sequence[tuple[LoraState, float]]) -> Iterator[int]:
    """Merge (LoRA, weight) pairs and give how many of their layers the model does not have.

    On leaving, every weight is the very tensor it was: the changed ones are put beside the
    originals, not over them, so memory for the touched layers is needed twice.
    Raises InvalidInput, naming the LoRA, when it is for another kind of model.
    """
    layers = {name: _weight_of(module) for name, module in model.lora_layers().items()}
    for state, _ in uses:
        _check_family(state, model.family)
    unmatched = sum(_check(state, layers) for state, _ in uses)
    originals: dict[nn.Parameter, Tensor] = {}
    try:
        for name, parameter in layers.items():
            here = [(state, strength) for state, strength in uses if name + DOWN in state]
            if here:
                originals.setdefault(parameter, parameter.data)
                parameter.data = _changed(parameter.data, name, here)
        yield unmatched
    finally:
        for parameter, weight in originals.items():
            parameter.data = weight


def delta(state: Mapping[str, Tensor], layer: str, device: torch.device) -> Tensor:
    """Return alpha / rank * up @ down in float32, shaped like the layer's weight."""
    down, up, alpha = tensors_of(state, layer)
    scale = float(alpha) / len(down)
    product = up.to(device).float().flatten(1) @ down.to(device).float().flatten(1)
    return scale * product.reshape(len(up), *down.shape[1:])


def _changed(weight: Tensor, name: str, uses: Sequence[tuple[LoraState, float]]) -> Tensor:
    total = weight.float()
    for state, strength in uses:
        total = total + strength * delta(state, name, weight.device).reshape(weight.shape)
    return total.to(weight.dtype)


def _weight_of(layer: nn.Module) -> nn.Parameter:
    weight = layer.weight
    assert isinstance(weight, nn.Parameter)
    return weight


def _check_family(state: LoraState, family: Family) -> None:
    own = family_of_lora(state)
    if own is not None and own != family:
        raise InvalidInput(
            f"{state.name} is a LoRA for {TITLES[own]}; this checkpoint is {TITLES[family]}."
        )


def _check(state: LoraState, layers: Mapping[str, nn.Parameter]) -> int:
    """Count a LoRA's layers that the model lacks; raises InvalidInput when it cannot fit."""
    names = layer_names(state)
    known = [name for name in names if name in layers]
    if not known:
        raise InvalidInput(f"{state.name} is not a LoRA for this kind of checkpoint.")
    for name in known:
        down, up, _ = tensors_of(state, name)
        wanted = layers[name].shape
        if up.shape[0] != wanted[0] or down[0].numel() != wanted[1:].numel():
            raise InvalidInput(
                f"{state.name} was made for another size of checkpoint: {name} changes "
                f"{up.shape[0]} x {down[0].numel()} weights, not {tuple(wanted)}."
            )
    unmatched = len(names) - len(known)
    if unmatched:
        logger.warning("%s: %d of %d layers do not exist here", state.name, unmatched, len(names))
    return unmatched
