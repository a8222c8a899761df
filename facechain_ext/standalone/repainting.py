"""A part of a picture made ready for our own sampler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from facechain_ext.base.records import Pixels
from facechain_ext.base.repainting import RepaintRequest
from facechain_ext.diffusion.sampler import Origin
from facechain_ext.imaging.patch import Patch, patch_around

if TYPE_CHECKING:
    from facechain_ext.diffusion.diffusers_model import DiffusersModel


def prepared(request: RepaintRequest, model: DiffusersModel) -> tuple[Patch, Origin]:
    """Cut the part out and encode it, before any LoRA is in the model."""
    asked = request.drawing
    patch = patch_around(
        request.pixels,
        request.mask,
        blend=request.blend,
        side=model.resolution,
        size=(asked.width, asked.height),
    )
    # Sampled from a generator of its own, so that a seed is a picture whoever is drawn beside it.
    latents = model.encode_images(to_tensor(patch.pixels), torch.Generator().manual_seed(0))
    cells = torch.from_numpy(patch.cells).to(latents)
    return patch, Origin(latents, cells, request.steps_of(asked.steps))


def to_tensor(pixels: Pixels) -> Tensor:
    """Turn a picture into (1, 3, H, W) in -1..1."""
    planes = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None]
    return planes.float() / 127.5 - 1


def fields_of(request: RepaintRequest) -> dict[str, object]:
    """Tell the strength and the blend in the webui's words."""
    return {"Denoising strength": f"{request.strength:g}", "Mask blur": request.blend}
