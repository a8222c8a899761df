"""A residual block with frozen weights as one autograd function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from facechain_ext.training.fast.kernels import GroupNorm, Kernels
from facechain_ext.training.fast.layouts import to_picture, to_tokens


@dataclass(frozen=True, eq=False)
class ResnetWeights:
    """conv1, conv2: (out, in, 3, 3) without bias: conv1's belongs to the shift, and bias is
    conv2's plus the shortcut's. shortcut: (out, in), None where the input is passed on as it is.
    """

    norm1: GroupNorm
    conv1: Tensor
    norm2: GroupNorm
    conv2: Tensor
    bias: Tensor
    shortcut: Tensor | None


def resnet(x: Tensor, shift: Tensor, weights: ResnetWeights, kernels: Kernels) -> Tensor:
    """Return x + conv2(silu(norm2(conv1(silu(norm1(x))) + shift))) of pictures (B, C, h, w).

    shift: (B, out), the timestep's part and conv1's bias; it gets no gradient.
    """
    picture: Tensor = _Resnet.apply(x, shift, weights, kernels)  # type: ignore[no-untyped-call]
    return picture


class _Resnet(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, shift: Tensor, weights: ResnetWeights, kernels: Kernels
    ) -> Tensor:
        height, width = x.shape[2:]
        tokens = to_tokens(x)
        inner, sums1 = kernels.group_norm(tokens, None, weights.norm1)
        hidden = _convolve(inner, weights.conv1, height, width)
        inner, sums2 = kernels.group_norm(hidden, shift, weights.norm2)
        inner = _convolve(inner, weights.conv2, height, width)
        passed = tokens if weights.shortcut is None else tokens @ weights.shortcut.T
        out = kernels.add(inner.flatten(0, 1), passed.flatten(0, 1), weights.bias)
        ctx.weights, ctx.kernels, ctx.size = weights, kernels, (height, width)
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(tokens, shift, hidden, sums1, sums2)
        return to_picture(out.view(inner.shape), height, width)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        weights, kernels = ctx.weights, ctx.kernels
        tokens, shift, hidden, sums1, sums2 = ctx.saved_tensors
        grad = to_tokens(grad)
        inner = _convolve_back(grad, weights.conv2, hidden, *ctx.size)
        inner = kernels.group_norm_backward(inner, hidden, shift, sums2, weights.norm2, None)
        inner = _convolve_back(inner, weights.conv1, tokens, *ctx.size)
        passed = grad if weights.shortcut is None else grad @ weights.shortcut
        dx = kernels.group_norm_backward(inner, tokens, None, sums1, weights.norm1, passed)
        return to_picture(dx, *ctx.size), None, None, None


def _convolve(tokens: Tensor, weight: Tensor, height: int, width: int) -> Tensor:
    return to_tokens(functional.conv2d(to_picture(tokens, height, width), weight, padding=1))


def _convolve_back(grad: Tensor, weight: Tensor, like: Tensor, height: int, width: int) -> Tensor:
    """Return the gradient of a 3 x 3 convolution's input, whose shape is that of `like`."""
    result: Tensor = torch.ops.aten.convolution_backward(
        to_picture(grad, height, width),
        to_picture(like, height, width),
        weight,
        None,
        [1, 1],
        [1, 1],
        [1, 1],
        False,
        [0, 0],
        1,
        [True, False, False],
    )[0]
    return to_tokens(result)
