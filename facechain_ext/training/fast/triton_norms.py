"""Group norm with SiLU and layer norm in Triton, forward and backward, affine part frozen.

A group norm takes three launches: sums per channel over chunks of rows, sums per group, the
answer. That keeps every access coalesced, whatever the width of a group, and the order of
summation fixed. Rows are tokens, columns channels. What a call leaves out is told by flags, 0 or
1, at run time: every variant of a kernel would cost its compilation in each training's set-up.
"""

# mypy: ignore-errors
# ruff: noqa: N803

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _silu_slope(y):
    gate = tl.sigmoid(y)
    return gate * (1 + y * (1 - gate))


@triton.jit
def _column_statistics(sums, b, cols, col_ok, groups, width, count, eps):
    """Return mean and inverse deviation of the groups that columns belong to."""
    at = sums + (b * groups + cols // width) * 2
    mean = tl.load(at, mask=col_ok, other=0.0) / count
    square = tl.load(at + 1, mask=col_ok, other=1.0) / count
    return mean, 1 / tl.sqrt(tl.maximum(square - mean * mean, 0.0) + eps)


@triton.jit(do_not_specialize=["L", "rows_each", "shift_stride", "shifted"])
def channel_sums(
    x, shift, out, L, C, rows_each, shift_stride, shifted, BR: tl.constexpr, BC: tl.constexpr
):
    """Sum x and its square per channel; grid (chunks, column blocks, B), out (B, chunks, 2, C)."""
    chunk, b = tl.program_id(0), tl.program_id(2)
    cols = tl.program_id(1) * BC + tl.arange(0, BC)
    col_ok = cols < C
    start = chunk * rows_each
    end = tl.minimum(start + rows_each, L)
    base = x + b.to(tl.int64) * L * C
    offset = _shift(shift + b * shift_stride + cols, col_ok, shifted)
    plain = tl.zeros([BR, BC], tl.float32)
    square = tl.zeros([BR, BC], tl.float32)
    for first in range(start, end, BR):
        rows = first + tl.arange(0, BR)
        ok = (rows < end)[:, None] & col_ok[None, :]
        value = tl.load(base + rows[:, None] * C + cols[None, :], mask=ok, other=0.0)
        value = tl.where(ok, value.to(tl.float32) + offset[None, :], 0.0)
        plain += value
        square += value * value
    to = out + (b * tl.num_programs(0) + chunk) * 2 * C + cols
    tl.store(to, tl.sum(plain, 0), mask=col_ok)
    tl.store(to + C, tl.sum(square, 0), mask=col_ok)


@triton.jit
def _shift(at, ok, shifted):
    return tl.load(at, mask=ok & (shifted != 0), other=0.0).to(tl.float32)


@triton.jit(do_not_specialize=["chunks", "width"])
def group_sums(partial, out, C, chunks, width, BR: tl.constexpr, BC: tl.constexpr):
    """Sum a group's channels and chunks; grid (groups, B), out (B, groups, 2)."""
    group, b = tl.program_id(0), tl.program_id(1)
    rows, cols = tl.arange(0, BR), tl.arange(0, BC)
    ok = (rows < chunks)[:, None] & (cols < width)[None, :]
    at = partial + b * chunks * 2 * C + rows[:, None] * 2 * C + group * width + cols[None, :]
    first = tl.load(at, mask=ok, other=0.0)
    second = tl.load(at + C, mask=ok, other=0.0)
    to = out + (b * tl.num_programs(0) + group) * 2
    tl.store(to, tl.sum(tl.sum(first, 1), 0))
    tl.store(to + 1, tl.sum(tl.sum(second, 1), 0))


@triton.jit(do_not_specialize=["L", "groups", "width", "shift_stride", "shifted", "silu"])
def group_norm_forward(
    x, shift, sums, weight, bias, y, L, C, groups, width, shift_stride, eps, shifted, silu,
    BR: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    """Normalise; grid (row blocks, column blocks, B)."""
    b = tl.program_id(2)
    rows = tl.program_id(0) * BR + tl.arange(0, BR)
    cols = tl.program_id(1) * BC + tl.arange(0, BC)
    col_ok = cols < C
    ok = (rows < L)[:, None] & col_ok[None, :]
    mean, rstd = _column_statistics(sums, b, cols, col_ok, groups, width, L * width * 1.0, eps)
    mean -= _shift(shift + b * shift_stride + cols, col_ok, shifted)
    scale = rstd * tl.load(weight + cols, mask=col_ok, other=0.0).to(tl.float32)
    offset = tl.load(bias + cols, mask=col_ok, other=0.0).to(tl.float32) - mean * scale
    at = b.to(tl.int64) * L * C + rows[:, None] * C + cols[None, :]
    value = tl.load(x + at, mask=ok, other=0.0).to(tl.float32) * scale[None, :] + offset[None, :]
    value = tl.where(silu != 0, value * tl.sigmoid(value), value)
    tl.store(y + at, value.to(y.dtype.element_ty), mask=ok)


@triton.jit
def _inner_gradient(
    x, shift, sums, weight, bias, grad, at, ok, b, cols, col_ok, groups, width, count,
    shift_stride, eps, shifted, silu,
):  # fmt: skip
    """Return the gradient that reaches the normalised value, that value, and the deviations."""
    mean, rstd = _column_statistics(sums, b, cols, col_ok, groups, width, count, eps)
    mean -= _shift(shift + b * shift_stride + cols, col_ok, shifted)
    scale = tl.load(weight + cols, mask=col_ok, other=0.0).to(tl.float32)
    value = tl.load(x + at, mask=ok, other=0.0).to(tl.float32)
    normal = (value - mean[None, :]) * rstd[None, :]
    inner = tl.load(grad + at, mask=ok, other=0.0).to(tl.float32) * scale[None, :]
    offset = tl.load(bias + cols, mask=col_ok, other=0.0).to(tl.float32)
    inner *= tl.where(silu != 0, _silu_slope(normal * scale[None, :] + offset[None, :]), 1.0)
    return inner, normal, rstd


@triton.jit(
    do_not_specialize=["L", "groups", "width", "rows_each", "shift_stride", "shifted", "silu"]
)
def channel_gradient_sums(
    x, shift, sums, weight, bias, grad, out, L, C, groups, width, rows_each, shift_stride, eps,
    shifted, silu, BR: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    """Sum the inner gradient, and it times the normalised value, per channel; as channel_sums."""
    chunk, b = tl.program_id(0), tl.program_id(2)
    cols = tl.program_id(1) * BC + tl.arange(0, BC)
    col_ok = cols < C
    start = chunk * rows_each
    end = tl.minimum(start + rows_each, L)
    base = b.to(tl.int64) * L * C
    plain = tl.zeros([BR, BC], tl.float32)
    slope = tl.zeros([BR, BC], tl.float32)
    for first in range(start, end, BR):
        rows = first + tl.arange(0, BR)
        ok = (rows < end)[:, None] & col_ok[None, :]
        at = base + rows[:, None] * C + cols[None, :]
        inner, normal, _ = _inner_gradient(
            x, shift, sums, weight, bias, grad, at, ok, b, cols, col_ok, groups, width,
            L * width * 1.0, shift_stride, eps, shifted, silu,
        )  # fmt: skip
        plain += inner
        slope += inner * normal
    to = out + (b * tl.num_programs(0) + chunk) * 2 * C + cols
    tl.store(to, tl.sum(plain, 0), mask=col_ok)
    tl.store(to + C, tl.sum(slope, 0), mask=col_ok)


@triton.jit(do_not_specialize=["L", "groups", "width", "shift_stride", "shifted", "silu", "added"])
def group_norm_backward(
    x, shift, sums, weight, bias, grad, gradient_sums, residual, dx, L, C, groups, width,
    shift_stride, eps, shifted, silu, added, BR: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    """Return x's gradient, plus the residual's; grid as group_norm_forward's."""
    b = tl.program_id(2)
    rows = tl.program_id(0) * BR + tl.arange(0, BR)
    cols = tl.program_id(1) * BC + tl.arange(0, BC)
    col_ok = cols < C
    ok = (rows < L)[:, None] & col_ok[None, :]
    at = b.to(tl.int64) * L * C + rows[:, None] * C + cols[None, :]
    count = L * width * 1.0
    inner, normal, rstd = _inner_gradient(
        x, shift, sums, weight, bias, grad, at, ok, b, cols, col_ok, groups, width, count,
        shift_stride, eps, shifted, silu,
    )  # fmt: skip
    means = gradient_sums + (b * groups + cols // width) * 2
    plain = tl.load(means, mask=col_ok, other=0.0) / count
    slope = tl.load(means + 1, mask=col_ok, other=0.0) / count
    value = rstd[None, :] * (inner - plain[None, :] - normal * slope[None, :])
    value += tl.load(residual + at, mask=ok & (added != 0), other=0.0).to(tl.float32)
    tl.store(dx + at, value.to(dx.dtype.element_ty), mask=ok)


@triton.jit(do_not_specialize=["M", "added"])
def layer_norm_forward(
    x, residual, weight, bias, total, y, stats, M, C, eps, added, BR: tl.constexpr,
    BC: tl.constexpr,
):  # fmt: skip
    """Add the residual, store the sum, normalise it; grid (row blocks,)."""
    rows = tl.program_id(0) * BR + tl.arange(0, BR)
    cols = tl.arange(0, BC)
    row_ok, col_ok = rows < M, cols < C
    ok = row_ok[:, None] & col_ok[None, :]
    at = rows.to(tl.int64)[:, None] * C + cols[None, :]
    value = tl.load(x + at, mask=ok, other=0.0).to(tl.float32)
    value += tl.load(residual + at, mask=ok & (added != 0), other=0.0).to(tl.float32)
    rounded = value.to(x.dtype.element_ty)
    tl.store(total + at, rounded, mask=ok & (added != 0))
    value = rounded.to(tl.float32)
    mean = tl.sum(value, 1) / C
    centred = tl.where(ok, value - mean[:, None], 0.0)
    rstd = 1 / tl.sqrt(tl.sum(centred * centred, 1) / C + eps)
    scale = tl.load(weight + cols, mask=col_ok, other=0.0).to(tl.float32)
    offset = tl.load(bias + cols, mask=col_ok, other=0.0).to(tl.float32)
    answer = centred * rstd[:, None] * scale[None, :] + offset[None, :]
    tl.store(y + at, answer.to(y.dtype.element_ty), mask=ok)
    tl.store(stats + rows * 2, mean, mask=row_ok)
    tl.store(stats + rows * 2 + 1, rstd, mask=row_ok)


@triton.jit(do_not_specialize=["M", "added"])
def layer_norm_backward(
    grad, x, stats, weight, residual, dx, M, C, added, BR: tl.constexpr, BC: tl.constexpr
):
    """Return x's gradient, plus the residual's; grid (row blocks,)."""
    rows = tl.program_id(0) * BR + tl.arange(0, BR)
    cols = tl.arange(0, BC)
    row_ok, col_ok = rows < M, cols < C
    ok = row_ok[:, None] & col_ok[None, :]
    at = rows.to(tl.int64)[:, None] * C + cols[None, :]
    mean = tl.load(stats + rows * 2, mask=row_ok, other=0.0)
    rstd = tl.load(stats + rows * 2 + 1, mask=row_ok, other=0.0)
    scale = tl.load(weight + cols, mask=col_ok, other=0.0).to(tl.float32)
    inner = tl.load(grad + at, mask=ok, other=0.0).to(tl.float32) * scale[None, :]
    value = tl.load(x + at, mask=ok, other=0.0).to(tl.float32)
    normal = tl.where(ok, (value - mean[:, None]) * rstd[:, None], 0.0)
    plain = tl.sum(inner, 1) / C
    slope = tl.sum(inner * normal, 1) / C
    answer = rstd[:, None] * (inner - plain[:, None] - normal * slope[:, None])
    answer += tl.load(residual + at, mask=ok & (added != 0), other=0.0).to(tl.float32)
    tl.store(dx + at, answer.to(dx.dtype.element_ty), mask=ok)
