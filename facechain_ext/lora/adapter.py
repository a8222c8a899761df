"""Put trainable LoRA layers into a model, and take them out without a trace."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import DiffusionModel, TargetModules, TextTargets
from facechain_ext.lora.kinds import STRENGTH, scale_of
from facechain_ext.lora.rank import at_rank
from facechain_ext.lora.state import (
    ALPHA,
    DOWN,
    UP,
    LoraState,
    layer_names,
    parts_of,
    tensors_of,
)

if TYPE_CHECKING:
    from peft.tuners.lora import LoraLayer

logger = logging.getLogger(__name__)

ADAPTER = "facechain"
STARTABLE = ("lora_down.weight", "lora_up.weight", *STRENGTH)


class LoraAdapter:
    """The LoRA layers that `inject` has put into a model; a context manager that ejects them."""

    def __init__(
        self,
        layers: Mapping[str, LoraLayer],
        before: Sequence[_Snapshot],
        *,
        rank: int,
        alpha: float,
    ) -> None:
        self.rank = rank
        self.alpha = alpha
        self._layers = layers
        self._before = before

    def __enter__(self) -> LoraAdapter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.eject()

    def parameters(self) -> list[nn.Parameter]:
        """Return the trainable parameters, float32, in a fixed order."""
        pairs = (self._pair(name) for name in self._layers)
        return [weight for down, up in pairs for weight in (down.weight, up.weight)]

    def state(self) -> LoraState:
        """Copy the LoRA to the CPU under kohya's names."""
        state = LoraState(name="the trained LoRA")
        for name in self._layers:
            down, up = self._pair(name)
            state[name + DOWN] = down.weight.detach().to("cpu", copy=True)
            state[name + UP] = up.weight.detach().to("cpu", copy=True)
            state[name + ALPHA] = torch.tensor(float(self.alpha))
        return state

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take over a state of the same layers, rank and alpha; raises InvalidInput."""
        self._check(state)
        for name in self._layers:
            down, up = self._pair(name)
            down.weight.copy_(state[name + DOWN])
            up.weight.copy_(state[name + UP])

    @torch.no_grad()
    def start_from(self, state: LoraState) -> None:
        """Take over what another LoRA does, whatever its rank and alpha.

        Call it before anything is trained: what the other LoRA leaves free stays as injected.
        Raises InvalidInput when it changes layers that this adapter does not, or of other sizes, or
        holds anything but the two factors of each.
        """
        layers = parts_of(state)
        for name, parts in layers.items():
            odd = next((part for part in parts if part not in STARTABLE), None)
            if odd is not None:
                raise InvalidInput(
                    f"{state.name} cannot be the start: it holds {name}.{odd}, and only the two "
                    "factors of a plain LoRA can be trained on."
                )
        for name in layer_names(state):
            if name not in self._layers:
                raise InvalidInput(
                    f"{state.name} cannot be the start: it changes layers that are not trained "
                    f"here, such as {name}. Train all layers, or choose another file."
                )
            self._start_layer(name, state)
        highest = max(len(state[name + DOWN]) for name in layer_names(state))
        if highest > self.rank:
            logger.warning(
                "%s has rank %d; what rank %d cannot hold of it is left out. Train with rank %d to "
                "begin from all of it.",
                *(state.name, highest, self.rank, highest),
            )

    def _start_layer(self, name: str, state: LoraState) -> None:
        down, up = (part.weight for part in self._pair(name))
        given_down, given_up, _ = tensors_of(state, name)
        if given_down[0].numel() != down[0].numel() or len(given_up) != len(up):
            raise InvalidInput(
                f"{state.name} cannot be the start: it is for another checkpoint, in which {name} "
                f"has {len(given_up)} x {given_down[0].numel()} weights, not "
                f"{len(up)} x {down[0].numel()}."
            )
        new_down, new_up = at_rank(
            given_down.reshape(-1, *down.shape[1:]),
            given_up.reshape(len(up), -1, *up.shape[2:]),
            scale_of(parts_of(state)[name]),
            rank=self.rank,
            new_scale=self.alpha / self.rank,
        )
        down[: len(new_down)] = new_down
        up[:, : len(new_down)] = new_up

    def scale(self, weight: float) -> None:
        """Set the strength that prompts call the LoRA's weight: 1 as trained, 0 for off."""
        for layer in self._layers.values():
            layer.scaling[ADAPTER] = weight * self.alpha / self.rank

    def eject(self) -> None:
        """Give the model back its own modules, flags and modes; a second call does nothing."""
        for snapshot in self._before:
            snapshot.restore()
        self._before = ()

    def _pair(self, name: str) -> tuple[Any, Any]:
        layer = self._layers[name]
        return layer.lora_A[ADAPTER], layer.lora_B[ADAPTER]

    def _check(self, state: Mapping[str, Tensor]) -> None:
        own = {name + part for name in self._layers for part in (DOWN, UP, ALPHA)}
        if own != set(state):
            odd = sorted(own ^ set(state))
            raise InvalidInput(f"This LoRA has other layers than the adapter, such as {odd[0]}.")
        for name in self._layers:
            down, _, alpha = tensors_of(state, name)
            if down.shape != self._pair(name)[0].weight.shape or float(alpha) != self.alpha:
                raise InvalidInput(
                    f"Expected rank {self.rank} and alpha {self.alpha:g}, but {name} has rank "
                    f"{len(down)} and alpha {float(alpha):g}."
                )


def inject(
    model: DiffusionModel,
    kind: TargetModules,
    *,
    rank: int,
    alpha: float,
    seed: int,
    text_encoders: Sequence[TextTargets] = (),
) -> LoraAdapter:
    """Freeze the denoiser and give it fresh LoRA layers, which change nothing until trained.

    The layers are float32 whatever the denoiser's precision. seed: of their initial values.
    text_encoders: of the model, with the layers that get a LoRA, too.
    """
    parts = [(model.denoiser, model.lora_targets(kind)), *text_encoders]
    if any(hasattr(part, "peft_config") for part, _ in parts):
        raise InvalidInput("The model already carries a LoRA adapter; eject it first.")
    before = [_Snapshot.of(part, list(targets.values())) for part, targets in parts]
    layers: dict[str, LoraLayer] = {}
    generator = torch.Generator().manual_seed(seed)
    try:
        for part, targets in parts:
            wrapped = _wrap(part, targets, rank=rank, alpha=alpha)
            _initialise(wrapped, generator)
            layers |= wrapped
    except BaseException:
        for snapshot in before:
            snapshot.restore()
        raise
    return LoraAdapter(layers, before, rank=rank, alpha=alpha)


def _wrap(
    part: nn.Module, targets: Mapping[str, str], *, rank: int, alpha: float
) -> dict[str, LoraLayer]:
    # Here, because peft takes two seconds to import and a webui starts without it.
    from peft import LoraConfig
    from peft.tuners.lora import LoraLayer, LoraModel

    config = LoraConfig(
        r=rank, lora_alpha=alpha, target_modules=list(targets.values()), lora_dropout=0.0
    )
    devices = [parameter.device for parameter in part.parameters() if parameter.is_cuda][:1]
    with torch.random.fork_rng(devices=devices):
        LoraModel(part, config, ADAPTER)
    layers = {name: part.get_submodule(path) for name, path in targets.items()}
    count = sum(isinstance(module, LoraLayer) for module in part.modules())
    if count != len(layers):
        raise RuntimeError(f"peft wrapped {count} layers where {len(layers)} were named")
    return layers


def _initialise(layers: Mapping[str, LoraLayer], generator: torch.Generator) -> None:
    """Draw the down weights as torch draws a Linear's (Hu et al. 2021, section 4.1); up is 0."""
    for name in sorted(layers):
        down, up = layers[name].lora_A[ADAPTER], layers[name].lora_B[ADAPTER]
        down.to(torch.float32)
        up.to(torch.float32)
        bound = 1 / math.sqrt(down.weight[0].numel())
        values = torch.empty(down.weight.shape).uniform_(-bound, bound, generator=generator)
        down.weight.data.copy_(values)
        nn.init.zeros_(up.weight)


@dataclass(frozen=True, eq=False)
class _Snapshot:
    """What injecting changes in a denoiser or text encoder besides adding layers."""

    part: nn.Module
    targets: dict[str, nn.Module]
    trainable: list[tuple[nn.Parameter, bool]]
    modes: list[tuple[nn.Module, bool]]

    @classmethod
    def of(cls, part: nn.Module, paths: list[str]) -> _Snapshot:
        return cls(
            part,
            {path: part.get_submodule(path) for path in paths},
            [(parameter, parameter.requires_grad) for parameter in part.parameters()],
            [(module, module.training) for module in part.modules()],
        )

    def restore(self) -> None:
        for path, module in self.targets.items():
            parent, _, name = path.rpartition(".")
            setattr(self.part.get_submodule(parent), name, module)
        for parameter, flag in self.trainable:
            parameter.requires_grad_(flag)
        for module, mode in self.modes:
            module.training = mode
        self.part.__dict__.pop("peft_config", None)
