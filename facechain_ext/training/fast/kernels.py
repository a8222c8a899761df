"""The steps between matrix products: what they compute, and plain torch that computes it.

Pictures are tokens here, (B, L, C) with L = height * width, as channels_last keeps them in
memory. Affine parameters are frozen: no backward returns a gradient for them. Statistics are
float32, in one tensor (..., 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, eq=False)
class GroupNorm:
    """A frozen group norm, followed by SiLU or not. weight, bias: (C,)."""

    weight: Tensor
    bias: Tensor
    groups: int
    eps: float
    silu: bool


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """A frozen layer norm. weight, bias: (C,)."""

    weight: Tensor
    bias: Tensor
    eps: float


class Kernels(Protocol):
    """One implementation of the steps; every method launches as few kernels as it can."""

    def prepare(self, dtype: torch.dtype, device: torch.device, widths: Sequence[int]) -> None:
        """Do beforehand what the first calls would else wait for; widths: of layer norms."""

    def group_norm(self, x: Tensor, shift: Tensor | None, norm: GroupNorm) -> tuple[Tensor, Tensor]:
        """Normalise x + shift; return the answer and sums (B, groups, 2) for the backward.

        x: (B, L, C). shift: (B, C), the same for all of a picture's tokens.
        """

    def group_norm_backward(
        self,
        grad: Tensor,
        x: Tensor,
        shift: Tensor | None,
        sums: Tensor,
        norm: GroupNorm,
        residual: Tensor | None,
    ) -> Tensor:
        """Return x's gradient, plus residual."""

    def layer_norm(self, x: Tensor, norm: LayerNorm) -> tuple[Tensor, Tensor]:
        """Normalise (M, C); return the answer and means and inverse deviations (M, 2)."""

    def add_layer_norm(
        self, x: Tensor, residual: Tensor, norm: LayerNorm
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return x + residual, its layer norm, and the statistics (M, 2)."""

    def layer_norm_backward(
        self, grad: Tensor, x: Tensor, stats: Tensor, norm: LayerNorm, residual: Tensor | None
    ) -> Tensor:
        """Return x's gradient, plus residual."""

    def geglu(self, x: Tensor) -> Tensor:
        """Return hidden * gelu(gate), x: (M, 2 C) of both (Shazeer 2020, arXiv 2002.05202)."""

    def geglu_backward(self, grad: Tensor, x: Tensor) -> Tensor:
        """Return x's gradient, (M, 2 C)."""

    def add(self, x: Tensor, other: Tensor, bias: Tensor | None) -> Tensor:
        """Return x + other + bias, (M, C); bias: (C,)."""


class TorchKernels:
    """Plain torch, for tests and for comparing: as precise as float32, not fast."""

    def prepare(self, dtype: torch.dtype, device: torch.device, widths: Sequence[int]) -> None:
        pass

    def group_norm(self, x: Tensor, shift: Tensor | None, norm: GroupNorm) -> tuple[Tensor, Tensor]:
        wide = _shifted(x, shift)
        grouped = _grouped(wide, norm)
        sums = torch.stack([grouped.sum((1, 3)), grouped.square().sum((1, 3))], dim=-1)
        normal, _ = _normal(wide, sums, norm)
        y = normal * norm.weight + norm.bias
        return (functional.silu(y) if norm.silu else y).to(x.dtype), sums

    def group_norm_backward(
        self,
        grad: Tensor,
        x: Tensor,
        shift: Tensor | None,
        sums: Tensor,
        norm: GroupNorm,
        residual: Tensor | None,
    ) -> Tensor:
        normal, rstd = _normal(_shifted(x, shift), sums, norm)
        inner = _wide(grad) * norm.weight
        if norm.silu:
            y = normal * norm.weight + norm.bias
            gate = y.sigmoid()
            inner = inner * gate * (1 + y * (1 - gate))
        mean = _group_mean(inner, norm)
        slope = _group_mean(inner * normal, norm)
        return _plus(rstd * (inner - mean - normal * slope), residual, x.dtype)

    def layer_norm(self, x: Tensor, norm: LayerNorm) -> tuple[Tensor, Tensor]:
        wide = _wide(x)
        mean = wide.mean(1)
        rstd = (wide.var(1, unbiased=False) + norm.eps).rsqrt()
        y = (wide - mean[:, None]) * rstd[:, None] * norm.weight + norm.bias
        return y.to(x.dtype), torch.stack([mean, rstd], dim=-1)

    def add_layer_norm(
        self, x: Tensor, residual: Tensor, norm: LayerNorm
    ) -> tuple[Tensor, Tensor, Tensor]:
        total = x + residual
        return total, *self.layer_norm(total, norm)

    def layer_norm_backward(
        self, grad: Tensor, x: Tensor, stats: Tensor, norm: LayerNorm, residual: Tensor | None
    ) -> Tensor:
        mean, rstd = stats[:, :1], stats[:, 1:]
        normal = (_wide(x) - mean) * rstd
        inner = _wide(grad) * norm.weight
        slope = (inner * normal).mean(1, keepdim=True)
        return _plus(
            rstd * (inner - inner.mean(1, keepdim=True) - normal * slope), residual, x.dtype
        )

    def geglu(self, x: Tensor) -> Tensor:
        hidden, gate = _wide(x).chunk(2, dim=1)
        return (hidden * functional.gelu(gate)).to(x.dtype)

    def geglu_backward(self, grad: Tensor, x: Tensor) -> Tensor:
        hidden, gate = _wide(x).chunk(2, dim=1)
        share = 0.5 * (1 + torch.erf(gate * 0.5**0.5))
        density = torch.exp(-0.5 * gate.square()) * (2 * torch.pi) ** -0.5
        wide = _wide(grad)
        slope = share + gate * density
        return torch.cat([wide * gate * share, wide * hidden * slope], dim=1).to(x.dtype)

    def add(self, x: Tensor, other: Tensor, bias: Tensor | None) -> Tensor:
        total = _wide(x) + other
        return (total if bias is None else total + bias).to(x.dtype)


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _shifted(x: Tensor, shift: Tensor | None) -> Tensor:
    return _wide(x) if shift is None else _wide(x) + shift[:, None]


def _normal(wide: Tensor, sums: Tensor, norm: GroupNorm) -> tuple[Tensor, Tensor]:
    """Return the normalised tokens and, per channel, the inverse deviation (B, 1, C)."""
    width = wide.shape[2] // norm.groups
    mean, square = (sums / (wide.shape[1] * width)).unbind(-1)
    rstd = (square - mean.square() + norm.eps).rsqrt()
    mean, rstd = (part.repeat_interleave(width, dim=1)[:, None] for part in (mean, rstd))
    return (wide - mean) * rstd, rstd


def _grouped(wide: Tensor, norm: GroupNorm) -> Tensor:
    """View (B, L, C) as (B, L, groups, C / groups)."""
    return wide.view(*wide.shape[:2], norm.groups, -1)


def _group_mean(wide: Tensor, norm: GroupNorm) -> Tensor:
    means = _grouped(wide, norm).mean((1, 3))
    return means.repeat_interleave(wide.shape[2] // norm.groups, dim=1)[:, None]


def _plus(wide: Tensor, residual: Tensor | None, dtype: torch.dtype) -> Tensor:
    return (wide if residual is None else wide + residual).to(dtype)
