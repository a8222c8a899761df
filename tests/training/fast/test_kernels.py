"""The reference kernels against torch's own layers and their autograd, in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from facechain_ext.training.fast.kernels import GroupNorm, LayerNorm, TorchKernels

KERNELS = TorchKernels()


def draw(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def gradient(of: Tensor, grad: Tensor, x: Tensor) -> Tensor:
    return torch.autograd.grad(of, x, grad)[0]


@pytest.mark.parametrize("silu", [False, True])
@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("added", [False, True])
def test_group_norm(silu: bool, shifted: bool, added: bool) -> None:
    norm = GroupNorm(draw(12, seed=1), draw(12, seed=2), groups=3, eps=1e-5, silu=silu)
    x = (draw(2, 7, 12, seed=3) + 0.5).requires_grad_()
    shift = draw(2, 12, seed=4) if shifted else None
    grad, residual = draw(2, 7, 12, seed=5), draw(2, 7, 12, seed=6) if added else None

    whole = x if shift is None else x + shift[:, None]
    normal = functional.group_norm(whole.mT, norm.groups, norm.weight, norm.bias, norm.eps).mT
    expected = functional.silu(normal) if silu else normal
    wanted = gradient(expected, grad, x) + (0 if residual is None else residual)

    y, sums = KERNELS.group_norm(x.detach(), shift, norm)
    dx = KERNELS.group_norm_backward(grad, x.detach(), shift, sums, norm, residual)
    torch.testing.assert_close(y, expected.detach())
    torch.testing.assert_close(dx, wanted)


@pytest.mark.parametrize("added", [False, True])
def test_layer_norm(added: bool) -> None:
    norm = LayerNorm(draw(10, seed=1), draw(10, seed=2), eps=1e-5)
    x, residual, grad = (draw(6, 10, seed=seed) for seed in (3, 4, 5))
    total = (x + residual).requires_grad_()
    expected = functional.layer_norm(total, (10,), norm.weight, norm.bias, norm.eps)
    wanted = gradient(expected, grad, total) + (residual if added else 0)

    summed, y, stats = KERNELS.add_layer_norm(x, residual, norm)
    dx = KERNELS.layer_norm_backward(grad, summed, stats, norm, residual if added else None)
    torch.testing.assert_close(summed, total.detach())
    torch.testing.assert_close(y, expected.detach())
    torch.testing.assert_close(dx, wanted)
    torch.testing.assert_close(KERNELS.layer_norm(summed, norm)[0], y)


def test_geglu() -> None:
    x, grad = draw(6, 20, seed=1).requires_grad_(), draw(6, 10, seed=2)
    hidden, gate = x.chunk(2, dim=1)
    expected = hidden * functional.gelu(gate)
    torch.testing.assert_close(KERNELS.geglu(x.detach()), expected.detach())
    torch.testing.assert_close(
        KERNELS.geglu_backward(grad, x.detach()), gradient(expected, grad, x)
    )


def test_biased_sum() -> None:
    x, other, bias = draw(6, 4, seed=1), draw(6, 4, seed=2), draw(4, seed=3)
    torch.testing.assert_close(KERNELS.add(x, other, bias), x + other + bias)
    torch.testing.assert_close(KERNELS.add(x, other, None), x + other)
