"""Read diffusers' UNet layers into the fused functions' weights, and swap their forwards.

A layer that is made in any other way than Stable Diffusion's own is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from facechain_ext.training.fast.attention import Attention
from facechain_ext.training.fast.kernels import GroupNorm, Kernels, LayerNorm
from facechain_ext.training.fast.layouts import to_picture, to_tokens
from facechain_ext.training.fast.merged import LoraLinear, MergedWeights, Place
from facechain_ext.training.fast.resnet import ResnetWeights, resnet
from facechain_ext.training.fast.transformer import (
    BlockWeights,
    Trained,
    TransformerWeights,
    transformer,
)

Forward = Callable[..., Any]


class Shifts:
    """All resnets' projections of the timestep embedding, in one product per step."""

    def __init__(self) -> None:
        self._layers: list[tuple[nn.Linear, Tensor]] = []
        self._weight: Tensor | None = None
        self._bias: Tensor | None = None
        self._seen: Tensor | None = None
        self._parts: tuple[Tensor, ...] = ()

    def place(self, projection: nn.Linear, bias: Tensor) -> int:
        """Add a resnet's projection and the bias of its first convolution."""
        self._layers.append((projection, bias))
        return len(self._layers) - 1

    def forget(self) -> None:
        """Expect a new timestep embedding."""
        self._seen, self._parts = None, ()

    @torch.no_grad()
    def at(self, place: int, temb: Tensor) -> Tensor:
        """Return a place's projection of silu(temb), (B, out)."""
        if self._weight is None or self._bias is None:
            self._weight = torch.cat([layer.weight for layer, _ in self._layers])
            self._bias = torch.cat([layer.bias + bias for layer, bias in self._layers])
        if self._seen is not temb:
            rows = nn.functional.linear(nn.functional.silu(temb), self._weight, self._bias)
            widths = [len(bias) for _, bias in self._layers]
            self._seen, self._parts = temb, torch.split(rows, widths, dim=1)
        return self._parts[place]


def fused_resnet(block: Any, shifts: Shifts, kernels: Kernels) -> Forward:
    """Return a forward for a ResnetBlock2D that `is_plain_resnet`."""
    shortcut, bias = None, block.conv2.bias
    if block.conv_shortcut is not None:
        shortcut = block.conv_shortcut.weight.flatten(1)
        bias = bias + block.conv_shortcut.bias
    weights = ResnetWeights(
        norm1=_group_norm(block.norm1, silu=True),
        conv1=block.conv1.weight,
        norm2=_group_norm(block.norm2, silu=True),
        conv2=block.conv2.weight,
        bias=bias,
        shortcut=shortcut,
    )
    place = shifts.place(block.time_emb_proj, block.conv1.bias)

    def forward(input_tensor: Tensor, temb: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return resnet(input_tensor, shifts.at(place, temb), weights, kernels)

    return forward


def fused_transformer(
    module: Any, merged: MergedWeights, kernels: Kernels, attention: Attention
) -> Forward:
    """Return a forward for a Transformer2DModel that `is_plain_transformer`.

    Its projections are 1 x 1 convolutions or, in SDXL, linear layers: the same here.
    """
    weights = TransformerWeights(
        norm=_group_norm(module.norm, silu=False),
        proj_in=module.proj_in.weight.flatten(1),
        proj_in_bias=module.proj_in.bias,
        blocks=[_block_weights(block) for block in module.transformer_blocks],
        proj_out=module.proj_out.weight.flatten(1),
        proj_out_bias=module.proj_out.bias,
    )
    places = [_places(block, merged) for block in module.transformer_blocks]

    def forward(
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        *args: Any,
        return_dict: bool = True,
        **kwargs: Any,
    ) -> tuple[Tensor]:
        trained = [Trained(*(merged.at(place) for place in block)) for block in places]
        return (
            transformer(hidden_states, encoder_hidden_states, weights, trained, kernels, attention),
        )

    return forward


def fused_output_norm(module: nn.GroupNorm, kernels: Kernels) -> Forward:
    """Return a forward for conv_norm_out; the SiLU after it may be an object that others share."""
    norm = _group_norm(module, silu=False)

    def forward(picture: Tensor) -> Tensor:
        height, width = picture.shape[2:]
        tokens = normalised(to_tokens(picture), norm, kernels)
        return to_picture(tokens, height, width)

    return forward


def normalised(tokens: Tensor, norm: GroupNorm, kernels: Kernels) -> Tensor:
    """Return the group norm of tokens (B, L, C), followed by autograd."""
    answer: Tensor = _Normalised.apply(tokens, norm, kernels)  # type: ignore[no-untyped-call]
    return answer


class _Normalised(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tokens: Tensor, norm: GroupNorm, kernels: Kernels) -> Tensor:
        answer, sums = kernels.group_norm(tokens, None, norm)
        ctx.norm, ctx.kernels = norm, kernels
        ctx.save_for_backward(tokens, sums)
        return answer

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        tokens, sums = ctx.saved_tensors
        grad = grad.contiguous()
        dx = ctx.kernels.group_norm_backward(grad, tokens, None, sums, ctx.norm, None)
        return dx, None, None


def is_plain_resnet(block: Any) -> bool:
    """Tell whether a ResnetBlock2D is made as Stable Diffusion's are, without a LoRA."""
    layers = (block.conv1, block.conv2, block.time_emb_proj, block.conv_shortcut)
    plain = all(isinstance(layer, nn.Conv2d | nn.Linear | None) for layer in layers)
    return (
        plain
        and not any(isinstance(layer, LoraLayer) for layer in layers)
        and block.time_emb_proj is not None
        and block.time_embedding_norm == "default"
        and not block.skip_time_act
        and block.output_scale_factor == 1
        and block.upsample is None
        and block.downsample is None
        and block.conv1.kernel_size == block.conv2.kernel_size == (3, 3)
        and isinstance(block.nonlinearity, nn.SiLU)
    )


def is_plain_transformer(module: Any) -> bool:
    """Tell whether a Transformer2DModel is made as Stable Diffusion's, with LoRA on attention."""
    frozen = (module.proj_in, module.proj_out)
    if any(isinstance(layer, LoraLayer) for layer in frozen) or not module.is_input_continuous:
        return False
    return all(_is_plain_block(block) for block in module.transformer_blocks)


def _is_plain_block(block: Any) -> bool:
    if block.norm_type != "layer_norm" or block.only_cross_attention or block.attn2 is None:
        return False
    feed_forward = block.ff.net
    return (
        all(_is_plain_attention(attention) for attention in (block.attn1, block.attn2))
        and type(feed_forward[0]).__name__ == "GEGLU"
        and not any(
            isinstance(layer, LoraLayer) for layer in (feed_forward[0].proj, feed_forward[2])
        )
    )


def _is_plain_attention(attention: Any) -> bool:
    projections = (attention.to_q, attention.to_k, attention.to_v)
    return (
        all(isinstance(layer, LoraLayer) for layer in (*projections, attention.to_out[0]))
        and all(layer.base_layer.bias is None for layer in projections)
        and attention.norm_q is None
        and attention.norm_cross is None
        and attention.group_norm is None
        and attention.spatial_norm is None
        and not attention.residual_connection
        and attention.rescale_output_factor == 1
    )


def _block_weights(block: Any) -> BlockWeights:
    return BlockWeights(
        heads=block.attn1.heads,
        norm1=_layer_norm(block.norm1),
        norm2=_layer_norm(block.norm2),
        norm3=_layer_norm(block.norm3),
        self_out_bias=block.attn1.to_out[0].base_layer.bias,
        cross_out_bias=block.attn2.to_out[0].base_layer.bias,
        ff_in=block.ff.net[0].proj.weight,
        ff_in_bias=block.ff.net[0].proj.bias,
        ff_out=block.ff.net[2].weight,
        ff_out_bias=block.ff.net[2].bias,
    )


def _places(block: Any, merged: MergedWeights) -> Sequence[Place]:
    mine, cross = block.attn1, block.attn2
    parts = (
        (mine.to_q, mine.to_k, mine.to_v),
        (mine.to_out[0],),
        (cross.to_q,),
        (cross.to_k, cross.to_v),
        (cross.to_out[0],),
    )
    return [merged.place([_lora(layer) for layer in part]) for part in parts]


def _lora(layer: Any) -> LoraLinear:
    (name,) = layer.active_adapters
    down, up = layer.lora_A[name].weight, layer.lora_B[name].weight
    return LoraLinear(layer.base_layer.weight, down, up, layer.scaling[name])


def _group_norm(module: nn.GroupNorm, *, silu: bool) -> GroupNorm:
    return GroupNorm(module.weight, module.bias, module.num_groups, module.eps, silu)


def _layer_norm(module: nn.LayerNorm) -> LayerNorm:
    return LayerNorm(module.weight, module.bias, module.eps)
