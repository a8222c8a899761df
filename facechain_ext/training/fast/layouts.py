"""Pictures and tokens: two views of the same memory, in channels_last."""

from __future__ import annotations

from torch import Tensor


def to_tokens(picture: Tensor) -> Tensor:
    """View (B, C, h, w) as (B, h * w, C); contiguous: copies what is not channels_last."""
    batch, channels, height, width = picture.shape
    return picture.permute(0, 2, 3, 1).reshape(batch, height * width, channels).contiguous()


def to_picture(tokens: Tensor, height: int, width: int) -> Tensor:
    """View (B, h * w, C) as (B, C, h, w), channels_last."""
    return tokens.view(len(tokens), height, width, -1).permute(0, 3, 1, 2)
