"""One optimisation step: eager anywhere, or replayed as one CUDA graph."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Protocol

import torch
from torch import Tensor, nn

from facechain_ext.training.batches import Batch
from facechain_ext.training.loss_scale import LossScale

logger = logging.getLogger(__name__)

BETAS = (0.9, 0.999)
WEIGHT_DECAY = 1e-2
MAX_GRAD_NORM = 1.0
CONVOLUTIONS_TIMED = 4
"""Kernels that cuDNN times for each convolution; its default of 10 doubles the set-up."""
LOSS_SCALE = "loss_scale."

LossFunction = Callable[[Batch], Tensor]
"""Gives the loss of every picture, (B,); their mean is what a step lowers."""


class Stepper(Protocol):
    """Changes the parameters once per call."""

    def step(self, batch: Batch, *, learning_rate: float) -> Tensor:
        """Take one AdamW step and return what the loss function gave, detached, on the device."""

    def state(self) -> dict[str, Tensor]:
        """Copy the optimizer's state to the CPU: `<parameter's number>.<what>`, `loss_scale.*`."""

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave, whatever kind of stepper gave it."""


def make_stepper(
    loss: LossFunction,
    parameters: Sequence[nn.Parameter],
    *,
    example: Batch,
    graph: bool,
    scale: LossScale | None = None,
) -> Stepper:
    """Return a CUDA-graph stepper if asked for and possible, otherwise an eager one.

    example: a batch of the shapes that every step will have; it trains nothing.
    scale: of the loss, for activations in float16.
    """
    if graph:
        try:
            stepper = GraphStepper(loss, parameters, example=example, scale=scale)
        except RuntimeError as error:
            # Its text alone: whoever keeps the record would keep all that the failed step has made.
            reason = str(error)
        else:
            logger.info("Training with every step as one CUDA graph")
            return stepper
        logger.warning("Training without a CUDA graph, which could not be made: %s", reason)
        _let_go(parameters)
    return EagerStepper(loss, parameters, scale=scale)


def _let_go(parameters: Sequence[nn.Parameter]) -> None:
    """Give back what a failed capture leaves: gradients in the graph's own memory, and its pool.

    What was cached for the stream of the capture is of no use to any other stream.
    """
    for parameter in parameters:
        parameter.grad = None
    gc.collect()
    if any(parameter.is_cuda for parameter in parameters):
        torch.cuda.empty_cache()


class EagerStepper:
    """Launches every kernel anew."""

    def __init__(
        self,
        loss: LossFunction,
        parameters: Sequence[nn.Parameter],
        *,
        scale: LossScale | None = None,
    ) -> None:
        self._loss, self._parameters = loss, list(parameters)
        device = self._parameters[0].device
        self._optimizer = torch.optim.AdamW(
            self._parameters,
            betas=BETAS,
            weight_decay=WEIGHT_DECAY,
            fused=device.type == "cuda",
        )
        self._scale = scale

    def step(self, batch: Batch, *, learning_rate: float) -> Tensor:
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.zero_grad()
        return _optimise(self._loss, batch, self._parameters, self._optimizer, self._scale)

    def state(self) -> dict[str, Tensor]:
        return _state(self._optimizer, self._parameters, self._scale)

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        own, scale = _parted(state)
        if self._scale is not None and scale:
            self._scale.load_state(scale)
        for key, tensor in own.items():
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
        scale: LossScale | None = None,
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
        self._scale = scale
        # The graph reads every tensor that the loss closes over at the address it had: keep them.
        self._function = loss
        with _fastest_convolutions():
            self._graph, self._losses = self._capture()

    def step(self, batch: Batch, *, learning_rate: float) -> Tensor:
        self._batch.copy_(batch)
        self._rate.fill_(learning_rate)
        self._graph.replay()
        return self._losses.clone()

    def state(self) -> dict[str, Tensor]:
        return _state(self._optimizer, self._parameters, self._scale)

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Overwrite the tensors that the graph works on."""
        own, scale = _parted(state)
        if self._scale is not None and scale:
            self._scale.load_state(scale)
        for key, tensor in own.items():
            number, _, what = key.partition(".")
            self._optimizer.state[self._parameters[int(number)]][what].copy_(tensor)

    def _run(self) -> Tensor:
        self._optimizer.zero_grad()
        return _optimise(
            self._function, self._batch, self._parameters, self._optimizer, self._scale
        )

    def _capture(self) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        """Capture on the stream of the warm-up, where autograd's nodes for parameters belong."""
        stream, begin = _capture_stream(self._rate.device), time.perf_counter()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._warm_up()
        stream.synchronize()
        warm, graph = time.perf_counter(), torch.cuda.CUDAGraph()
        # Other threads of the host may use the device meanwhile.
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            losses = self._run()
        torch.cuda.current_stream().wait_stream(stream)
        done = time.perf_counter()
        logger.info("Warmed a step up: %.1f s; captured it: %.1f s", warm - begin, done - warm)
        return graph, losses

    def _warm_up(self, times: int = 2) -> None:
        """Let kernels be chosen and optimizer state appear, at learning rate 0, then forget it."""
        for _ in range(times):
            self._run()
        for state in self._optimizer.state.values():
            for tensor in state.values():
                tensor.zero_()
        self._optimizer.zero_grad()


@cache
def _capture_stream(device: torch.device) -> torch.cuda.Stream:
    """Return the one stream to capture on; cuBLAS keeps a workspace for every one it sees."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


@contextmanager
def _fastest_convolutions() -> Iterator[None]:
    """Let cuDNN time the few kernels it thinks best of and keep the fastest; a graph replays it."""
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.benchmark_limit
    cudnn.benchmark, cudnn.benchmark_limit = True, CONVOLUTIONS_TIMED
    try:
        yield
    finally:
        cudnn.benchmark, cudnn.benchmark_limit = before


def _optimise(
    loss_function: LossFunction,
    batch: Batch,
    parameters: Sequence[nn.Parameter],
    optimizer: torch.optim.Optimizer,
    scale: LossScale | None,
) -> Tensor:
    """Run forward, backward, clipping and the optimizer; the gradients must be cleared."""
    with torch.inference_mode(False), torch.enable_grad():
        losses = loss_function(batch)
        loss = losses.mean()
        (loss if scale is None else scale.scaled(loss)).backward()  # type: ignore[no-untyped-call]
    if scale is not None:
        # The fused optimizer leaves parameters and state alone where this is not 0.
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        optimizer.found_inf = scale.restore(gradients)  # type: ignore[attr-defined]
    nn.utils.clip_grad_norm_(parameters, MAX_GRAD_NORM)
    optimizer.step()
    return losses.detach()


def _state(
    optimizer: torch.optim.Optimizer, parameters: Sequence[nn.Parameter], scale: LossScale | None
) -> dict[str, Tensor]:
    own = {
        f"{number}.{what}": tensor.detach().to("cpu", copy=True)
        for number, parameter in enumerate(parameters)
        for what, tensor in optimizer.state.get(parameter, {}).items()
    }
    if scale is not None:
        own |= {LOSS_SCALE + name: tensor for name, tensor in scale.state().items()}
    return own


def _parted(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Part a state into the optimizer's and the loss scale's."""
    own = {key: tensor for key, tensor in state.items() if not key.startswith(LOSS_SCALE)}
    scale = {
        key.removeprefix(LOSS_SCALE): tensor
        for key, tensor in state.items()
        if key.startswith(LOSS_SCALE)
    }
    return own, scale
