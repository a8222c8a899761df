"""SDXL's micro-conditioning: what size and crop a picture is of (Podell et al. 2023, section 2.2).

Six numbers: the height and width that the picture had before it was resized, the top and left
that were cut off after resizing, and the height and width that are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from facechain_ext.base.host import Conditioning

TIME_IDS = 6
LATENT_FACTOR = 8


def time_ids(
    *, original: tuple[float, float], crop: tuple[float, float], target: tuple[float, float]
) -> tuple[float, ...]:
    """Order (height, width), (top, left), (height, width) as the UNet takes them, in pixels."""
    return (*original, *crop, *target)


def added_conditioning(cond: Conditioning, noisy_latents: Tensor) -> dict[str, Tensor] | None:
    """Return what SDXL's UNet takes besides the embeddings; None for other families.

    Where the conditioning names no sizes the picture is whole and its own original.
    """
    pooled = cond.pooled_prompt_embeds
    if pooled is None:
        return None
    ids = cond.add_time_ids
    if ids is None:
        ids = _whole(noisy_latents.shape[-2:], len(pooled), pooled.device)
    return {"text_embeds": pooled.to(noisy_latents.dtype), "time_ids": ids}


def _whole(latent_size: Sequence[int], rows: int, device: torch.device) -> Tensor:
    height, width = (side * LATENT_FACTOR for side in latent_size)
    ids = time_ids(original=(height, width), crop=(0, 0), target=(height, width))
    return torch.tensor([ids] * rows, dtype=torch.float32, device=device)
