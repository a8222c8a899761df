"""A spatial transformer whose attention weights are trained, as one autograd function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from facechain_ext.training.fast.attention import Attended, Attention
from facechain_ext.training.fast.kernels import GroupNorm, Kernels, LayerNorm
from facechain_ext.training.fast.layouts import to_picture, to_tokens


@dataclass(frozen=True, eq=False)
class BlockWeights:
    """The frozen part of a block: self-attention, cross-attention, GEGLU feed-forward.

    ff_in: (2 inner, C), ff_out: (C, inner).
    """

    heads: int
    norm1: LayerNorm
    norm2: LayerNorm
    norm3: LayerNorm
    self_out_bias: Tensor
    cross_out_bias: Tensor
    ff_in: Tensor
    ff_in_bias: Tensor
    ff_out: Tensor
    ff_out_bias: Tensor


class Trained(NamedTuple):
    """A block's weights that a LoRA changes: (3 C, C), (C, C), (C, C), (2 C, D), (C, C)."""

    self_qkv: Tensor
    self_out: Tensor
    cross_q: Tensor
    cross_kv: Tensor
    cross_out: Tensor


@dataclass(frozen=True, eq=False)
class TransformerWeights:
    """proj_in: (C, in), proj_out: (in, C)."""

    norm: GroupNorm
    proj_in: Tensor
    proj_in_bias: Tensor
    blocks: Sequence[BlockWeights]
    proj_out: Tensor
    proj_out_bias: Tensor


def transformer(
    x: Tensor,
    context: Tensor,
    weights: TransformerWeights,
    trained: Sequence[Trained],
    kernels: Kernels,
    attention: Attention,
) -> Tensor:
    """Return x + transformer(x) of pictures (B, C, h, w); context: (B, S, D), no gradient."""
    flat = [tensor for block in trained for tensor in block]
    picture: Tensor = _Transformer.apply(  # type: ignore[no-untyped-call]
        x, context, weights, kernels, attention, *flat
    )
    return picture


class _Transformer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        context: Tensor,
        weights: TransformerWeights,
        kernels: Kernels,
        attention: Attention,
        *trained: Tensor,
    ) -> Tensor:
        height, width = x.shape[2:]
        tokens = to_tokens(x)
        inner, sums = kernels.group_norm(tokens, None, weights.norm)
        hidden = functional.linear(inner.flatten(0, 1), weights.proj_in, weights.proj_in_bias)
        blocks = _blocks(weights, trained, context, kernels, attention)
        branch: Tensor | None = None
        saved = []
        for block in blocks:
            hidden, branch, kept = block.forward(hidden, branch)
            saved.append(kept)
        assert branch is not None
        hidden = kernels.add(branch, hidden, None)
        out = functional.linear(hidden, weights.proj_out)
        out = kernels.add(out, tokens.flatten(0, 1), weights.proj_out_bias)
        ctx.blocks, ctx.kept, ctx.weights, ctx.kernels = blocks, saved, weights, kernels
        ctx.size = (height, width)
        ctx.save_for_backward(tokens, sums)
        return to_picture(out.view(tokens.shape), height, width)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        weights, kernels = ctx.weights, ctx.kernels
        tokens, sums = ctx.saved_tensors
        wanted = ctx.needs_input_grad[0]
        grad = to_tokens(grad)
        hidden = grad.flatten(0, 1) @ weights.proj_out
        trained: list[Tensor] = []
        for at, (block, kept) in reversed(list(enumerate(zip(ctx.blocks, ctx.kept, strict=True)))):
            hidden, grads = block.backward(hidden, kept, wanted=wanted or at > 0)
            trained = [*grads, *trained]
        ctx.kept = None
        dx = None
        if wanted:
            inner = (hidden @ weights.proj_in).view(tokens.shape)
            dx = kernels.group_norm_backward(inner, tokens, None, sums, weights.norm, grad)
            dx = to_picture(dx, *ctx.size)
        return dx, None, None, None, None, *trained


def _blocks(
    weights: TransformerWeights,
    trained: Sequence[Tensor],
    context: Tensor,
    kernels: Kernels,
    attention: Attention,
) -> list[_Block]:
    size = len(Trained._fields)
    return [
        _Block(frozen, Trained(*trained[at * size : (at + 1) * size]), context, kernels, attention)
        for at, frozen in enumerate(weights.blocks)
    ]


class _Kept(NamedTuple):
    """What a block's backward needs of its forward; the residual stream is `stream1` to 3."""

    stream1: Tensor
    stats1: Tensor
    normal1: Tensor
    self_attended: Attended
    stream2: Tensor
    stats2: Tensor
    normal2: Tensor
    cross_attended: Attended
    stream3: Tensor
    stats3: Tensor
    gated: Tensor


@dataclass(frozen=True, eq=False)
class _Block:
    """One block; tokens of all pictures are rows, (M, C). A branch is what a stream still lacks."""

    frozen: BlockWeights
    trained: Trained
    context: Tensor
    kernels: Kernels
    attention: Attention

    def forward(self, stream: Tensor, branch: Tensor | None) -> tuple[Tensor, Tensor, _Kept]:
        """Return the stream, the last branch that is to be added to it, and what is kept."""
        frozen, kernels = self.frozen, self.kernels
        if branch is None:
            stream1 = stream
            normal1, stats1 = kernels.layer_norm(stream, frozen.norm1)
        else:
            stream1, normal1, stats1 = kernels.add_layer_norm(branch, stream, frozen.norm1)
        qkv = self._heads(normal1 @ self.trained.self_qkv.T, 3)
        mine = self.attention.forward(*qkv.unbind(2))
        branch = functional.linear(_rows(mine.out), self.trained.self_out, frozen.self_out_bias)
        stream2, normal2, stats2 = kernels.add_layer_norm(branch, stream1, frozen.norm2)
        (query,) = self._heads(normal2 @ self.trained.cross_q.T, 1).unbind(2)
        pairs = self._heads(self.context.flatten(0, 1) @ self.trained.cross_kv.T, 2)
        cross = self.attention.forward(query, *pairs.unbind(2))
        branch = functional.linear(_rows(cross.out), self.trained.cross_out, frozen.cross_out_bias)
        stream3, normal3, stats3 = kernels.add_layer_norm(branch, stream2, frozen.norm3)
        gated = functional.linear(normal3, frozen.ff_in, frozen.ff_in_bias)
        branch = functional.linear(kernels.geglu(gated), frozen.ff_out, frozen.ff_out_bias)
        first = (stream1, stats1, normal1, mine, stream2, stats2, normal2)
        return stream3, branch, _Kept(*first, cross, stream3, stats3, gated)

    def backward(
        self, grad: Tensor, kept: _Kept, *, wanted: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the gradient of the stream at the block's start, if wanted, and the weights'."""
        frozen, trained, kernels = self.frozen, self.trained, self.kernels
        inner = kernels.geglu_backward(grad @ frozen.ff_out, kept.gated) @ frozen.ff_in
        grad = kernels.layer_norm_backward(inner, kept.stream3, kept.stats3, frozen.norm3, grad)

        cross_out = grad.T @ _rows(kept.cross_attended.out)
        query, *pair = self._attend_back(grad @ trained.cross_out, kept.cross_attended)
        pairs = torch.cat(pair, dim=1)
        cross_q, cross_kv = query.T @ kept.normal2, pairs.T @ self.context.flatten(0, 1)
        inner = query @ trained.cross_q
        grad = kernels.layer_norm_backward(inner, kept.stream2, kept.stats2, frozen.norm2, grad)

        self_out = grad.T @ _rows(kept.self_attended.out)
        qkv = torch.cat(self._attend_back(grad @ trained.self_out, kept.self_attended), dim=1)
        self_qkv = qkv.T @ kept.normal1
        if wanted:
            inner = qkv @ trained.self_qkv
            grad = kernels.layer_norm_backward(inner, kept.stream1, kept.stats1, frozen.norm1, grad)
        return grad, (self_qkv, self_out, cross_q, cross_kv, cross_out)

    def _heads(self, rows: Tensor, parts: int) -> Tensor:
        """View (B * L, parts * C) as (B, L, parts, heads, D)."""
        return rows.view(len(self.context), -1, parts, self.frozen.heads, self._head_width)

    @property
    def _head_width(self) -> int:
        return len(self.trained.cross_q) // self.frozen.heads

    def _attend_back(self, grad: Tensor, attended: Attended) -> list[Tensor]:
        """Return the gradients of the rows of q, k and v."""
        grads = self.attention.backward(grad.view(attended.out.shape), attended)
        return [_rows(part) for part in grads]


def _rows(heads: Tensor) -> Tensor:
    """View (B, L, H, D) as (B * L, H * D)."""
    return heads.flatten(2).flatten(0, 1)
