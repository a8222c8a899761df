"""Add LoRAs to a model's weights for a while: drawing then costs no more than without them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import Family
from facechain_ext.lora.change import bias_of, change_of, raw_change
from facechain_ext.lora.family import TITLES, family_of_lora
from facechain_ext.lora.kinds import LORA, kind_of
from facechain_ext.lora.state import LoraState, Parts, parts_of, tensors_of

logger = logging.getLogger(__name__)

Originals = dict[tuple[nn.Module, str], Tensor | None]
"""What a layer's weight and bias were; None for no bias."""


class Mergeable(Protocol):
    """A model whose layers are known by kohya's LoRA names; a layer may have several."""

    @property
    def family(self) -> Family: ...
    def lora_layers(self) -> dict[str, nn.Module]: ...


@dataclass(frozen=True)
class Strength:
    """How strongly a LoRA acts on the UNet, and on the text encoders."""

    unet: float
    text: float

    def of(self, layer: str) -> float:
        """Return the strength for a layer, by its name."""
        return self.text if layer.startswith("lora_te") else self.unet


@contextmanager
def merged(model: Mergeable, uses: Sequence[tuple[LoraState, float | Strength]]) -> Iterator[int]:
    """Merge (LoRA, weight) pairs and give how many of their layers the model does not have.

    On leaving, every weight is the very tensor it was: the changed ones are put beside the
    originals, not over them, so memory for the touched layers is needed twice.
    Raises InvalidInput, naming the LoRA, when it is for another kind of model.
    """
    layers = model.lora_layers()
    for state, _ in uses:
        _check_family(state, model.family)
    unmatched = sum(_check(state, layers) for state, _ in uses)
    grouped = [(parts_of(state), _strength(weight)) for state, weight in uses]
    originals: Originals = {}
    try:
        for name, module in layers.items():
            here = [
                (parts[name], strength.of(name)) for parts, strength in grouped if name in parts
            ]
            if here:
                _change_weight(module, here, originals)
                _change_bias(module, here, originals)
        yield unmatched
    finally:
        for (module, field), data in originals.items():
            if data is None:
                module.register_parameter(field, None)
            else:
                getattr(module, field).data = data


def _strength(weight: float | Strength) -> Strength:
    return weight if isinstance(weight, Strength) else Strength(weight, weight)


def delta(state: Mapping[str, Tensor], layer: str, device: torch.device) -> Tensor:
    """Return alpha / rank * up @ down in float32, shaped like the layer's weight."""
    down, up, alpha = tensors_of(state, layer)
    scale = float(alpha) / len(down)
    product = up.to(device).float().flatten(1) @ down.to(device).float().flatten(1)
    return scale * product.reshape(len(up), *down.shape[1:])


def _change_weight(
    module: nn.Module, uses: Sequence[tuple[Parts, float]], originals: Originals
) -> None:
    weight = _weight_of(module)
    total = weight.data.float()
    for parts, strength in uses:
        if (change := change_of(parts, total)) is not None:
            total = total + strength * change
    if total is not weight.data:
        originals.setdefault((module, "weight"), weight.data)
        weight.data = total.to(weight.dtype)


def _change_bias(
    module: nn.Module, uses: Sequence[tuple[Parts, float]], originals: Originals
) -> None:
    """Change a layer's bias, or give it one where it has none."""
    found = [(more, strength) for parts, strength in uses if (more := bias_of(parts)) is not None]
    if not found:
        return
    weight, bias = _weight_of(module), getattr(module, "bias", None)
    originals.setdefault((module, "bias"), None if bias is None else bias.data)
    total = torch.zeros(len(weight), device=weight.device) if bias is None else bias.data.float()
    for more, strength in found:
        total = total + strength * more.to(weight.device)
    if bias is None:
        bias = nn.Parameter(total, requires_grad=False)
        module.register_parameter("bias", bias)
    bias.data = total.to(weight.dtype)


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


def _check(state: LoraState, layers: Mapping[str, nn.Module]) -> int:
    """Count a LoRA's layers that the model lacks; raises InvalidInput when it cannot fit."""
    changed = {name: parts for name, parts in parts_of(state).items() if kind_of(parts)}
    known = [name for name in changed if name in layers]
    if not known:
        raise InvalidInput(f"{state.name} is not a LoRA for this kind of checkpoint.")
    for name in known:
        _check_size(state.name, name, changed[name], layers[name])
    unmatched = len(changed) - len(known)
    if unmatched:
        logger.warning("%s: %d of %d layers do not exist here", state.name, unmatched, len(changed))
    return unmatched


def _check_size(name: str, layer: str, parts: Parts, module: nn.Module) -> None:
    """Refuse what does not fit the layer, by a trial without numbers."""
    wanted = _weight_of(module).data.to("meta")
    shapes = {part: t if t.numel() == 1 else t.to("meta") for part, t in parts.items()}
    try:
        raw_change(shapes, wanted)
        fits = _beside_fits(parts, wanted)
    except (RuntimeError, IndexError, ValueError):
        fits = False
    if fits:
        return
    kind = kind_of(parts)
    if kind is LORA:
        down, up = parts["lora_down.weight"], parts["lora_up.weight"]
        says = f"{layer} changes {len(up)} x {down[0].numel()} weights, not {tuple(wanted.shape)}"
    else:
        title = kind.title if kind else "a part"
        says = f"{title} for {layer} does not fit its {tuple(wanted.shape)} weights"
    raise InvalidInput(f"{name} was made for another size of checkpoint: {says}.")


def _beside_fits(parts: Parts, weight: Tensor) -> bool:
    bias, magnitude = bias_of(parts), parts.get("dora_scale")
    return (bias is None or bias.numel() == len(weight)) and (
        magnitude is None or magnitude.numel() in weight.shape[:2]
    )
