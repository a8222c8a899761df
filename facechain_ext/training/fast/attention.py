"""Attention between heads' tokens, with the back end that was fastest for the large shapes."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

logger = logging.getLogger(__name__)

USUAL = ("FLASH_ATTENTION", "EFFICIENT_ATTENTION", "MATH")
"""What small shapes and captions get: torch takes the first of these that can."""
TIMED = ("FLASH_ATTENTION", "CUDNN_ATTENTION")
"""Which of these is faster for self-attention depends on the chip: by a factor of 1.7 seen."""
LARGE = 1024
"""Tokens from which on self-attention is worth timing; below, nothing differs by 0.2 ms."""
REPEATS = 2
"""How often each back end is timed."""


class Attended(NamedTuple):
    """An answer (B, L, H, D) and what its backward needs."""

    out: Tensor
    inputs: tuple[Tensor, Tensor, Tensor]
    answer: Tensor


class Attention:
    """Scaled dot products of heads; the first call of a large shape on CUDA times back ends."""

    def __init__(self) -> None:
        self._chosen: dict[tuple[int, ...], Sequence[str]] = {}

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Attended:
        """Attend; q: (B, L, H, D), k and v: (B, S, H, D), strided as you like."""
        inputs = _leaf(q), _leaf(k), _leaf(v)
        with torch.enable_grad(), _back_ends(self._choice(q, k, v)):
            answer = _attend(*inputs)
        return Attended(answer.detach().transpose(1, 2), inputs, answer)

    def backward(self, grad: Tensor, attended: Attended) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of q, k and v, shaped as they are."""
        grads = torch.autograd.grad(attended.answer, attended.inputs, grad.transpose(1, 2))
        return grads[0].transpose(1, 2), grads[1].transpose(1, 2), grads[2].transpose(1, 2)

    def _choice(self, q: Tensor, k: Tensor, v: Tensor) -> Sequence[str]:
        if not q.is_cuda or not _can_choose():
            return ()
        if q.shape != k.shape or q.shape[1] < LARGE:
            return USUAL
        key = tuple(q.shape)
        if key not in self._chosen:
            if torch.cuda.is_current_stream_capturing():
                return USUAL
            self._chosen[key] = _fastest(q, k, v)
        return self._chosen[key]


def _leaf(part: Tensor) -> Tensor:
    """View (B, L, H, D) as (B, H, L, D) that gradients can be asked of."""
    return part.detach().transpose(1, 2).requires_grad_()


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(q, k, v)


def _fastest(q: Tensor, k: Tensor, v: Tensor) -> Sequence[str]:
    times = {name: _time(name, q, k, v) for name in TIMED}
    shown = ", ".join(f"{name} {ms:.3f}" for name, ms in times.items())
    logger.info("Attention of %s, forward and backward: %s ms", tuple(q.shape), shown)
    best = min(times, key=times.__getitem__)
    return USUAL if times[best] == float("inf") else (best,)


def _time(name: str, q: Tensor, k: Tensor, v: Tensor) -> float:
    """Return milliseconds of one forward and backward, infinite where a back end refuses."""
    inputs = _leaf(q), _leaf(k), _leaf(v)

    def run() -> None:
        with torch.enable_grad(), _back_ends((name,)):
            answer = _attend(*inputs)
        torch.autograd.grad(answer, inputs, torch.ones_like(answer))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they say why a back end refuses
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


def _can_choose() -> bool:
    """Tell whether this torch can be told which back ends to use, cuDNN's among them."""
    try:
        from torch.nn.attention import SDPBackend
    except ImportError:  # torch < 2.3
        return False
    return hasattr(SDPBackend, "CUDNN_ATTENTION")


def _back_ends(names: Sequence[str]) -> AbstractContextManager[object]:
    if not names:
        return nullcontext()
    from torch.nn.attention import SDPBackend, sdpa_kernel

    chosen = [getattr(SDPBackend, name) for name in names]
    context: AbstractContextManager[object] = sdpa_kernel(chosen)
    return context
