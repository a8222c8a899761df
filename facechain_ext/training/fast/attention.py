"""Attention between heads' tokens, with the back end that was fastest for each shape."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

logger = logging.getLogger(__name__)

REPEATS = 5
"""How often each back end is timed."""


class Attended(NamedTuple):
    """An answer (B, L, H, D) and what its backward needs."""

    out: Tensor
    inputs: tuple[Tensor, Tensor, Tensor]
    answer: Tensor


class Attention:
    """Scaled dot products of heads; the first call of a shape on CUDA times the back ends."""

    def __init__(self) -> None:
        self._chosen: dict[tuple[int, ...], str] = {}

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Attended:
        """Attend; q: (B, L, H, D), k and v: (B, S, H, D), strided as you like."""
        inputs = _leaf(q), _leaf(k), _leaf(v)
        with torch.enable_grad(), _back_end(self._choice(q, k, v)):
            answer = _attend(*inputs)
        return Attended(answer.detach().transpose(1, 2), inputs, answer)

    def backward(self, grad: Tensor, attended: Attended) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of q, k and v, shaped as they are."""
        grads = torch.autograd.grad(attended.answer, attended.inputs, grad.transpose(1, 2))
        return grads[0].transpose(1, 2), grads[1].transpose(1, 2), grads[2].transpose(1, 2)

    def _choice(self, q: Tensor, k: Tensor, v: Tensor) -> str:
        if not q.is_cuda:
            return ""
        key = (len(q), q.shape[1], k.shape[1], q.shape[2], q.shape[3])
        if key not in self._chosen:
            if torch.cuda.is_current_stream_capturing():
                return ""
            self._chosen[key] = _fastest(q, k, v)
        return self._chosen[key]


def _leaf(part: Tensor) -> Tensor:
    """View (B, L, H, D) as (B, H, L, D) that gradients can be asked of."""
    return part.detach().transpose(1, 2).requires_grad_()


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(q, k, v)


def _fastest(q: Tensor, k: Tensor, v: Tensor) -> str:
    times = {name: _time(name, q, k, v) for name in back_ends()}
    best = min(times, key=times.__getitem__)
    shown = ", ".join(f"{name} {ms:.3f}" for name, ms in times.items() if ms < float("inf"))
    logger.info("Attention of %s to %s: %s ms", tuple(q.shape), tuple(k.shape), shown)
    return best


def _time(name: str, q: Tensor, k: Tensor, v: Tensor) -> float:
    """Return milliseconds of one forward and backward, infinite where a back end refuses."""
    inputs = _leaf(q), _leaf(k), _leaf(v)

    def run() -> None:
        with torch.enable_grad(), _back_end(name):
            answer = _attend(*inputs)
        torch.autograd.grad(answer, inputs, torch.ones_like(answer))

    try:
        return median_ms(run, REPEATS)
    except RuntimeError:
        return float("inf")


def median_ms(run: Callable[[], object], repeats: int) -> float:
    """Return the median time of a call on the current CUDA device, the first one left out."""
    run()
    times: list[float] = []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        start.record()
        run()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return sorted(times)[len(times) // 2]


def back_ends() -> tuple[str, ...]:
    """Name the back ends that this torch can be told to use."""
    try:
        from torch.nn.attention import SDPBackend
    except ImportError:  # torch < 2.3
        return ("",)
    known = ("FLASH_ATTENTION", "CUDNN_ATTENTION", "EFFICIENT_ATTENTION", "MATH")
    return tuple(name for name in known if hasattr(SDPBackend, name))


def _back_end(name: str) -> AbstractContextManager[object]:
    if not name:
        return nullcontext()
    from torch.nn.attention import SDPBackend, sdpa_kernel

    context: AbstractContextManager[object] = sdpa_kernel(getattr(SDPBackend, name))
    return context
