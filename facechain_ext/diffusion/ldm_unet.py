"""LDM's and sgm's UNet as diffusers' own: a second set of modules over the very same tensors.

What trains and samples diffusers' UNet then does so with a model that somebody else has loaded,
without a copy of it and without touching a module of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from facechain_ext.base.errors import UnsupportedCheckpoint
from facechain_ext.diffusion.ldm_keys import UNET_PREFIX, unet_to_ldm


@dataclass(frozen=True, eq=False)
class _Level:
    """The blocks of one resolution, and their transformers, where it has any."""

    blocks: Sequence[Any]
    transformers: Sequence[Any]


def described(unet: Any, *, sample_size: int, size_width: int | None = None) -> dict[str, Any]:
    """Read diffusers' config off the modules of an LDM UNetModel.

    sample_size: of latents. size_width: of the embedding of each of SDXL's sizes, None for others.
    Raises UnsupportedCheckpoint for one that is not built as Stable Diffusion's are.
    """
    try:
        config = _described(unet)
        if size_width is not None:
            config |= {
                "addition_embed_type": "text_time",
                "addition_time_embed_dim": size_width,
                "projection_class_embeddings_input_dim": unet.label_emb[0][0].in_features,
            }
    except (AttributeError, IndexError, TypeError) as error:
        raise _another_form() from error
    return {**config, "sample_size": sample_size}


def mirrored(unet: nn.Module, config: dict[str, Any]) -> UNet2DConditionModel:
    """Build diffusers' UNet, frozen, over the tensors that an LDM UNetModel has now.

    Raises UnsupportedCheckpoint where those are not all and only the tensors that it has.
    """
    with torch.device("meta"):
        mirror = UNet2DConditionModel.from_config(config)
    tie(mirror, unet)
    return mirror.requires_grad_(False).eval()


def tie(mirror: UNet2DConditionModel, unet: nn.Module) -> None:
    """Give a mirror the tensors of an LDM UNetModel, which are others once that was moved.

    Raises UnsupportedCheckpoint as `mirrored` does.
    """
    tensors = {UNET_PREFIX + name: weight.detach() for name, weight in unet.named_parameters()}
    own = list(mirror.state_dict())
    names = dict(zip(own, unet_to_ldm(dict.fromkeys(own), mirror.config), strict=True))
    if set(names.values()) != set(tensors):
        raise _another_form()
    shared: dict[str, Tensor] = {name: tensors[ldm] for name, ldm in names.items()}
    try:
        mirror.load_state_dict(shared, assign=True)
    except RuntimeError as error:  # a shape
        raise _another_form() from error


def _described(unet: Any) -> dict[str, Any]:
    levels, middle = _levels(unet), unet.middle_block[1]
    depths = [_depth(level.transformers or [middle]) for level in levels]
    heads = [_heads((level.transformers or [middle])[0]) for level in levels]
    down = ["CrossAttnDownBlock2D" if level.transformers else "DownBlock2D" for level in levels]
    up = [kind.replace("Down", "Up") for kind in reversed(down)]
    return {
        "in_channels": unet.input_blocks[0][0].in_channels,
        "out_channels": unet.out[2].out_channels,
        "block_out_channels": [level.blocks[-1].out_layers[3].out_channels for level in levels],
        "layers_per_block": len(levels[0].blocks),
        "down_block_types": down,
        "up_block_types": up,
        "transformer_layers_per_block": depths,
        "attention_head_dim": heads,  # how many there are: diffusers calls it so
        "cross_attention_dim": middle.transformer_blocks[0].attn2.to_k.in_features,
        "use_linear_projection": isinstance(middle.proj_in, nn.Linear),
        "norm_num_groups": unet.out[0].num_groups,
    }


def _levels(unet: Any) -> list[_Level]:
    """Part the way down at its downsamplers."""
    levels = [_Level([], [])]
    for place in unet.input_blocks[1:]:
        if hasattr(place[0], "op"):
            levels.append(_Level([], []))
            continue
        level = levels[-1]
        levels[-1] = _Level([*level.blocks, place[0]], [*level.transformers, *place[1:]])
    return levels


def _depth(transformers: Sequence[Any]) -> int:
    return len(transformers[0].transformer_blocks)


def _heads(transformer: Any) -> int:
    return int(transformer.transformer_blocks[0].attn1.heads)


def _another_form() -> UnsupportedCheckpoint:
    return UnsupportedCheckpoint(
        "The loaded checkpoint's UNet has another form than Stable Diffusion's; choose a plain "
        "checkpoint of Stable Diffusion 1.x, 2.x or SDXL."
    )
