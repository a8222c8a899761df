"""One optimisation step: eager anywhere, or replayed as one CUDA graph."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn

from facechain_ext.training.batches import Batch
from facechain_ext.training.loss_scale import LossScale

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
    loss: LossFunction,
    parameters: Sequence[nn.Parameter],
    *,
    example: Batch,
    graph: bool,
    scale_loss: bool = False,
) -> Stepper:
    """Return a CUDA-graph stepper if asked for and possible, otherwise an eager one.

    example: a batch of the shapes that every step will have; it trains nothing.
    scale_loss: for activations in float16, on CUDA.
    """
    if graph:
        try:
            stepper = GraphStepper(loss, parameters, example=example, scale_loss=scale_loss)
        except RuntimeError as error:
            logger.warning("Training without a CUDA graph, which could not be made: %s", error)
        else:
            logger.info("Training with every step as one CUDA graph")
            return stepper
    return EagerStepper(loss, parameters, scale_loss=scale_loss)


class EagerStepper:
    """Launches every kernel anew."""

    def __init__(
        self,
        loss: LossFunction,
        parameters: Sequence[nn.Parameter],
        *,
        scale_loss: bool = False,
    ) -> None:
        self._loss, self._parameters = loss, list(parameters)
        device = self._parameters[0].device
        self._optimizer = torch.optim.AdamW(
            self._parameters,
            betas=BETAS,
            weight_decay=WEIGHT_DECAY,
            fused=device.type == "cuda",
        )
        self._scale = LossScale(device) if scale_loss else None

    def step(self, batch: Batch, *, learning_rate: float) -> Tensor:
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.zero_grad()
        return _optimise(self._loss, batch, self._parameters, self._optimizer, self._scale)

    def state(self) -> dict[str, Tensor]:
        return _optimizer_state(self._optimizer, self._parameters)

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        for key, tensor in state.items():
            number, _, what = key.partition(".")
            parameter = self._parameters[int(number)]
            fused = parameter.is_cuda  # then the counter of steps, too, is on the device
            device = "cpu" if what == "step" and not fused else parameter.device
            self._optimizer.state[parameter][what] = tensor.to(device, copy=True)


class GraphStepper:
    """Replays forward, backward, clipping and AdamW as one CUDA graph over static buffers.

    Raises RuntimeError when the model cannot be captured; parameters are unchanged then.
    """

    def __init__(
        self,
        loss: LossFunction,
        parameters: Sequence[nn.Parameter],
        *,
        example: Batch,
        scale_loss: bool = False,
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
        scale = LossScale(self._rate.device) if scale_loss else None

        def run() -> Tensor:
            self._optimizer.zero_grad()
            return _optimise(loss, self._batch, self._parameters, self._optimizer, scale)

        # The graph reads every tensor that the loss closes over at the address it had: keep them.
        self._run = run
        with _fastest_convolutions():
            self._warm_up(run)
            self._graph = torch.cuda.CUDAGraph()
            # Other threads of the host may use the device meanwhile.
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
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


@contextmanager
def _fastest_convolutions() -> Iterator[None]:
    """Let cuDNN time its kernels and keep the fastest; a graph replays those."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def _optimise(
    loss_function: LossFunction,
    batch: Batch,
    parameters: Sequence[nn.Parameter],
    optimizer: torch.optim.Optimizer,
    scale: LossScale | None,
) -> Tensor:
    """Run forward, backward, clipping and the optimizer; the gradients must be cleared."""
    with torch.inference_mode(False), torch.enable_grad():
        loss = loss_function(batch)
        (loss if scale is None else scale.scaled(loss)).backward()  # type: ignore[no-untyped-call]
    if scale is not None:
        # The fused optimizer leaves parameters and state alone where this is not 0.
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        optimizer.found_inf = scale.restore(gradients)  # type: ignore[attr-defined]
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
