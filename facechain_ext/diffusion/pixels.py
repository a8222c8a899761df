"""From a decoder's tensors to pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from facechain_ext.base.records import Pixels


def to_pixels(decoded: Tensor) -> list[Pixels]:
    """Turn (B, 3, H, W) in -1..1 into B pictures."""
    levels = ((decoded.float() + 1) * 127.5).round().clamp(0, 255)
    return list(levels.to("cpu", torch.uint8).permute(0, 2, 3, 1).numpy())
