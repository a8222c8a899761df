"""One optimisation step: eager anywhere, or replayed as one CUDA graph."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from facechain_ext.training.batches import Batch

logger = logging.getLogger(__name__)

BETAS = (0.9, 0.999)
WEIGHT_DECAY = 1e-2
MAX_GRAD_NORM = 1.0

LossFunction = Callable[[Batch], Tensor]


class Stepper(Protocol):
    """Changes the parameters once per call."""

    def step(self, batch: Batch, *, learning_rate: float) -> Tensor:
        """Take one AdamW step and return the loss, a detached scalar on the device."""

    def state(self) -> dict[str, Tensor]:
        """Copy the optimizer's state to the CPU: `<parameter's number>.<what>`."""

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave, whatever kind of stepper gave it."""


def make_stepper(
    loss: LossFunction, parameters: Sequence[nn.Parameter], *, example: Batch, graph: bool
) -> Stepper:
    """Return a CUDA-graph stepper if asked for and possible, otherwise an eager one.

    example: a batch of the shapes that every step will have; it trains nothing.
    """
    if graph:
        try:
            return GraphStepper(loss, parameters, example=example)
        except RuntimeError as error:
            logger.warning("Training without a CUDA graph, which could not be made: %s", error)
    return EagerStepper(loss, parameters)


class EagerStepper:
    """Launches every kernel anew."""

    def __init__(self, loss: LossFunction, parameters: Sequence[nn.Parameter]) -> None:
        self._loss, self._parameters = loss, list(parameters)
        self._optimizer = torch.optim.AdamW(
            self._parameters, betas=BETAS, weight_decay=WEIGHT_DECAY
        )

    def step(self, batch: Batch, *, learning_rate: float) -> Tensor:
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.zero_grad()
        return _optimise(self._loss, batch, self._parameters, self._optimizer)

    def state(self) -> dict[str, Tensor]:
        return _optimizer_state(self._optimizer, self._parameters)

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        for key, tensor in state.items():
            number, _, what = key.partition(".")
            parameter = self._parameters[int(number)]
            device = "cpu" if what == "step" else parameter.device
            self._optimizer.state[parameter][what] = tensor.to(device, copy=True)


class GraphStepper:
    """Replays forward, backward, clipping and AdamW as one CUDA graph over static buffers.

    Raises RuntimeError when the model cannot be captured; parameters are unchanged then.
    """

    def __init__(
        self, loss: LossFunction, parameters: Sequence[nn.Parameter], *, example: Batch
    ) -> None:
        self._parameters = list(parameters)
        self._batch = example.clone()
        self._rate = torch.zeros((), device=example.latents.device)
        self._optimizer = torch.optim.AdamW(
            parameters,
            lr=self._rate,
            betas=BETAS,
            weight_decay=WEIGHT_DECAY,
            fused=True,
            capturable=True,
        )

        def run() -> Tensor:
            self._optimizer.zero_grad()
            return _optimise(loss, self._batch, parameters, self._optimizer)

        self._warm_up(run)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._loss = run()

    def step(self, batch: Batch, *, learning_rate: float) -> Tensor:
        self._batch.copy_(batch)
        self._rate.fill_(learning_rate)
        self._graph.replay()
        return self._loss.clone()

    def state(self) -> dict[str, Tensor]:
        return _optimizer_state(self._optimizer, self._parameters)

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Overwrite the tensors that the graph works on."""
        for key, tensor in state.items():
            number, _, what = key.partition(".")
            self._optimizer.state[self._parameters[int(number)]][what].copy_(tensor)

    def _warm_up(self, run: Callable[[], Tensor], times: int = 3) -> None:
        """Let kernels be chosen and optimizer state appear, at learning rate 0, then forget it."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(times):
                run()
        torch.cuda.current_stream().wait_stream(stream)
        for state in self._optimizer.state.values():
            for tensor in state.values():
                tensor.zero_()
        self._optimizer.zero_grad()


def _optimise(
    loss_function: LossFunction,
    batch: Batch,
    parameters: Sequence[nn.Parameter],
    optimizer: torch.optim.Optimizer,
) -> Tensor:
    """Run forward, backward, clipping and the optimizer; the gradients must be cleared."""
    with torch.inference_mode(False), torch.enable_grad():
        loss = loss_function(batch)
        loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(parameters, MAX_GRAD_NORM)
    optimizer.step()
    return loss.detach()


def _optimizer_state(
    optimizer: torch.optim.Optimizer, parameters: Sequence[nn.Parameter]
) -> dict[str, Tensor]:
    return {
        f"{number}.{what}": tensor.detach().to("cpu", copy=True)
        for number, parameter in enumerate(parameters)
        for what, tensor in optimizer.state.get(parameter, {}).items()
    }
