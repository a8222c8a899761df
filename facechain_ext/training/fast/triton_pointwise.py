"""GEGLU and biased sums in Triton, forward and backward."""

# mypy: ignore-errors
# ruff: noqa: N803

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _share(gate):
    """Return the normal distribution's share below gate, so that gelu is gate times it."""
    return 0.5 * (1 + tl.math.erf(gate * 0.7071067811865476))


@triton.jit(do_not_specialize=["M"])
def geglu_forward(x, y, M, C, BR: tl.constexpr, BC: tl.constexpr):
    """Return hidden * gelu(gate); x (M, 2 C), y (M, C); grid (row blocks, column blocks)."""
    rows = tl.program_id(0) * BR + tl.arange(0, BR)
    cols = tl.program_id(1) * BC + tl.arange(0, BC)
    ok = (rows < M)[:, None] & (cols < C)[None, :]
    row = rows.to(tl.int64)[:, None] * C
    at = row * 2 + cols[None, :]
    hidden = tl.load(x + at, mask=ok, other=0.0).to(tl.float32)
    gate = tl.load(x + at + C, mask=ok, other=0.0).to(tl.float32)
    answer = hidden * gate * _share(gate)
    tl.store(y + row + cols[None, :], answer.to(y.dtype.element_ty), mask=ok)


@triton.jit(do_not_specialize=["M"])
def geglu_backward(grad, x, dx, M, C, BR: tl.constexpr, BC: tl.constexpr):
    """Return x's gradient (M, 2 C); grid as geglu_forward's."""
    rows = tl.program_id(0) * BR + tl.arange(0, BR)
    cols = tl.program_id(1) * BC + tl.arange(0, BC)
    ok = (rows < M)[:, None] & (cols < C)[None, :]
    row = rows.to(tl.int64)[:, None] * C
    at = row * 2 + cols[None, :]
    hidden = tl.load(x + at, mask=ok, other=0.0).to(tl.float32)
    gate = tl.load(x + at + C, mask=ok, other=0.0).to(tl.float32)
    outer = tl.load(grad + row + cols[None, :], mask=ok, other=0.0).to(tl.float32)
    share = _share(gate)
    slope = share + gate * tl.exp(-0.5 * gate * gate) * 0.3989422804014327
    tl.store(dx + at, (outer * gate * share).to(dx.dtype.element_ty), mask=ok)
    tl.store(dx + at + C, (outer * hidden * slope).to(dx.dtype.element_ty), mask=ok)


@triton.jit(do_not_specialize=["M", "biased"])
def add_forward(x, other, bias, y, M, C, biased, BR: tl.constexpr, BC: tl.constexpr):
    """Return x + other + bias, (M, C); grid (row blocks, column blocks)."""
    rows = tl.program_id(0) * BR + tl.arange(0, BR)
    cols = tl.program_id(1) * BC + tl.arange(0, BC)
    ok = (rows < M)[:, None] & (cols < C)[None, :]
    at = rows.to(tl.int64)[:, None] * C + cols[None, :]
    answer = tl.load(x + at, mask=ok, other=0.0).to(tl.float32)
    answer += tl.load(other + at, mask=ok, other=0.0).to(tl.float32)
    offset = tl.load(bias + cols, mask=(cols < C) & (biased != 0), other=0.0)
    answer += offset.to(tl.float32)[None, :]
    tl.store(y + at, answer.to(y.dtype.element_ty), mask=ok)
