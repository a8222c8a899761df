"""The steps between matrix products on CUDA, by Triton."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
import triton
from torch import Tensor

from facechain_ext.training.fast import triton_norms, triton_pointwise
from facechain_ext.training.fast.kernels import GroupNorm, LayerNorm

logger = logging.getLogger(__name__)

CHUNKS = 32
"""At most so many partial sums per channel; also a block's rows in the kernels that sum."""
ROWS, COLUMNS = 32, 64
"""Tokens and channels that a program holds at a time."""
WIDEST_GROUP = 128
ROW_ELEMENTS = 2048
"""Elements that a program of the layer norm holds."""


class TritonKernels:
    """Kernels for contiguous float16, bfloat16 or float32 tensors; sums are float32."""

    def prepare(self, dtype: torch.dtype, device: torch.device, widths: Sequence[int]) -> None:
        """Compile every kernel by a first call, in parallel where this Triton can."""
        begin = time.perf_counter()
        first, *calls = _first_calls(self, dtype, device, widths)

        def run(call: Callable[[], object]) -> None:
            with torch.cuda.device(device):
                call()

        run(first)  # the driver starts with it
        # Threads may use the compiler since it has an asynchronous mode of its own.
        with ThreadPoolExecutor(None if hasattr(triton, "AsyncCompileMode") else 1) as pool:
            list(pool.map(run, calls))
        logger.info("Compiled the fused layers' kernels: %.1f s", time.perf_counter() - begin)

    def group_norm(self, x: Tensor, shift: Tensor | None, norm: GroupNorm) -> tuple[Tensor, Tensor]:
        batch, length, channels = x.shape
        partial, rows = _partial_sums(x)
        offset, stride = _offset(x, shift)
        blocks = triton.cdiv(channels, COLUMNS)
        triton_norms.channel_sums[(partial.shape[1], blocks, batch)](
            x, offset, partial, length, channels, rows, stride, int(shift is not None),
            BR=ROWS, BC=COLUMNS,
        )  # fmt: skip
        sums = _group_sums(partial, norm)
        y = torch.empty_like(x)
        triton_norms.group_norm_forward[(triton.cdiv(length, ROWS), blocks, batch)](
            x, offset, sums, norm.weight, norm.bias, y, length, channels, norm.groups,
            channels // norm.groups, stride, norm.eps, int(shift is not None), int(norm.silu),
            BR=ROWS, BC=COLUMNS,
        )  # fmt: skip
        return y, sums

    def group_norm_backward(
        self,
        grad: Tensor,
        x: Tensor,
        shift: Tensor | None,
        sums: Tensor,
        norm: GroupNorm,
        residual: Tensor | None,
    ) -> Tensor:
        batch, length, channels = x.shape
        partial, rows = _partial_sums(x)
        offset, stride = _offset(x, shift)
        blocks, width = triton.cdiv(channels, COLUMNS), channels // norm.groups
        triton_norms.channel_gradient_sums[(partial.shape[1], blocks, batch)](
            x, offset, sums, norm.weight, norm.bias, grad, partial, length, channels,
            norm.groups, width, rows, stride, norm.eps, int(shift is not None), int(norm.silu),
            BR=ROWS, BC=COLUMNS,
        )  # fmt: skip
        dx = torch.empty_like(x)
        triton_norms.group_norm_backward[(triton.cdiv(length, ROWS), blocks, batch)](
            x, offset, sums, norm.weight, norm.bias, grad, _group_sums(partial, norm),
            x if residual is None else residual, dx, length, channels, norm.groups, width,
            stride, norm.eps, int(shift is not None), int(norm.silu), int(residual is not None),
            BR=ROWS, BC=COLUMNS,
        )  # fmt: skip
        return dx

    def layer_norm(self, x: Tensor, norm: LayerNorm) -> tuple[Tensor, Tensor]:
        return self._layer_norm(x, None, norm)[1:]

    def add_layer_norm(
        self, x: Tensor, residual: Tensor, norm: LayerNorm
    ) -> tuple[Tensor, Tensor, Tensor]:
        return self._layer_norm(x, residual, norm)

    def layer_norm_backward(
        self, grad: Tensor, x: Tensor, stats: Tensor, norm: LayerNorm, residual: Tensor | None
    ) -> Tensor:
        dx = torch.empty_like(x)
        rows, columns = _row_block(x)
        triton_norms.layer_norm_backward[(triton.cdiv(len(x), rows),)](
            grad, x, stats, norm.weight, x if residual is None else residual, dx, *x.shape,
            int(residual is not None), BR=rows, BC=columns,
        )  # fmt: skip
        return dx

    def geglu(self, x: Tensor) -> Tensor:
        y = x.new_empty(len(x), x.shape[1] // 2)
        triton_pointwise.geglu_forward[_grid(y)](x, y, *y.shape, BR=ROWS, BC=COLUMNS)
        return y

    def geglu_backward(self, grad: Tensor, x: Tensor) -> Tensor:
        dx = torch.empty_like(x)
        triton_pointwise.geglu_backward[_grid(grad)](grad, x, dx, *grad.shape, BR=ROWS, BC=COLUMNS)
        return dx

    def add(self, x: Tensor, other: Tensor, bias: Tensor | None) -> Tensor:
        y = torch.empty_like(x)
        triton_pointwise.add_forward[_grid(x)](
            x, other, x if bias is None else bias, y, *x.shape, int(bias is not None),
            BR=ROWS, BC=COLUMNS,
        )  # fmt: skip
        return y

    def _layer_norm(
        self, x: Tensor, residual: Tensor | None, norm: LayerNorm
    ) -> tuple[Tensor, Tensor, Tensor]:
        total = x if residual is None else torch.empty_like(x)
        y, stats = torch.empty_like(x), x.new_empty(len(x), 2, dtype=torch.float32)
        rows, columns = _row_block(x)
        triton_norms.layer_norm_forward[(triton.cdiv(len(x), rows),)](
            x, x if residual is None else residual, norm.weight, norm.bias, total, y, stats,
            *x.shape, norm.eps, int(residual is not None), BR=rows, BC=columns,
        )  # fmt: skip
        return total, y, stats


def _partial_sums(x: Tensor) -> tuple[Tensor, int]:
    """Return room for sums (B, chunks, 2, C), and how many rows a chunk has."""
    batch, length, channels = x.shape
    rows = max(ROWS, triton.cdiv(length, CHUNKS))
    chunks = triton.cdiv(length, rows)
    return x.new_empty(batch, chunks, 2, channels, dtype=torch.float32), rows


def _group_sums(partial: Tensor, norm: GroupNorm) -> Tensor:
    batch, chunks, _, channels = partial.shape
    sums = partial.new_empty(batch, norm.groups, 2)
    triton_norms.group_sums[(norm.groups, batch)](
        partial, sums, channels, chunks, channels // norm.groups, BR=CHUNKS, BC=WIDEST_GROUP
    )
    return sums


def _offset(x: Tensor, shift: Tensor | None) -> tuple[Tensor, int]:
    return (x, 0) if shift is None else (shift, shift.stride(0))


def _row_block(x: Tensor) -> tuple[int, int]:
    columns = triton.next_power_of_2(x.shape[1])
    return max(1, ROW_ELEMENTS // columns), columns


def _grid(x: Tensor) -> tuple[int, int]:
    return triton.cdiv(len(x), ROWS), triton.cdiv(x.shape[1], COLUMNS)


def _first_calls(
    kernels: TritonKernels, dtype: torch.dtype, device: torch.device, widths: Sequence[int]
) -> list[Callable[[], object]]:
    """Return calls that together need every kernel, on one token of zeros."""
    bind = functools.partial
    rows = [torch.zeros(1, width, dtype=dtype, device=device) for width in widths]
    x, pair = rows[0], torch.cat([rows[0], rows[0]], dim=1)
    group = GroupNorm(x[0], x[0], groups=1, eps=1e-5, silu=True)
    sums, stats = torch.ones(1, 1, 2, device=device), torch.ones(1, 2, device=device)
    calls: list[Callable[[], object]] = [
        bind(kernels.add, x, x, None),
        bind(kernels.group_norm_backward, x[None], x[None], None, sums, group, None),
        bind(kernels.group_norm, x[None], None, group),
        bind(kernels.geglu, pair),
        bind(kernels.geglu_backward, x, pair),
    ]
    for row in rows:
        norm = LayerNorm(row[0], row[0], eps=1e-5)
        calls.append(bind(kernels.layer_norm, row, norm))
        calls.append(bind(kernels.layer_norm_backward, row, row, stats, norm, None))
    return calls
