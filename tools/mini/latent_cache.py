"""Encode the training portraits once: several slight crops of each, plain and mirrored."""

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

ENCODE_BATCH = 256
NEAR_ZOOM = (0.95, 1.0)
FAR_ZOOM = (0.85, 0.95)


def crop_transforms(count: int, *, mirrored: bool, generator: torch.Generator) -> Tensor:
    """Draw `count` affine maps (count, 2, 3) that cut a crop of 85 to 100 % of the side.

    Half of the crops keep at least 95 %. Maps take output to input coordinates in -1..1, as
    `affine_grid` wants them, and never look outside the picture.
    """
    near = torch.rand(count, generator=generator) < 0.5
    low, high = (torch.where(near, NEAR_ZOOM[end], FAR_ZOOM[end]) for end in (0, 1))
    scale = low + (high - low) * torch.rand(count, generator=generator)
    shift = (2 * torch.rand(count, 2, generator=generator) - 1) * (1 - scale)[:, None]
    return _affine(scale, shift, mirrored=mirrored)


def whole_transforms(count: int, *, mirrored: bool) -> Tensor:
    """Make `count` affine maps (count, 2, 3) that keep the picture or mirror it."""
    return _affine(torch.ones(count), torch.zeros(count, 2), mirrored=mirrored)


def encode(vae: AutoencoderKL, pixels: Tensor, transforms: Tensor) -> Tensor:
    """Encode uint8 pixels (B, H, W, 3) through affine maps to latents (B, 4, H/8, W/8).

    Latents are posterior means times the scaling factor: unit variance.
    """
    dtype = next(vae.parameters()).dtype
    images = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1
    grid = F.affine_grid(transforms, list(images.shape), align_corners=False)
    images = F.grid_sample(
        images, grid, mode="bicubic", padding_mode="border", align_corners=False
    ).clamp(-1, 1)
    posterior = vae.encode(images.to(dtype)).latent_dist
    latents: Tensor = posterior.mode() * vae.config.scaling_factor
    return latents


@torch.no_grad()
def encode_all(
    vae: AutoencoderKL, images: np.ndarray, variants: int, *, seed: int, device: torch.device
) -> Tensor:
    """Encode N portraits to float16 latents (2, variants, N, 4, 24, 24); index 1 is mirrored.

    Variant 0 is the whole picture; the others are random crops.
    """
    generator = torch.Generator().manual_seed(seed)
    count = len(images)
    latents = []
    for mirrored in (False, True):
        maps = [whole_transforms(count, mirrored=mirrored)]
        maps += [
            crop_transforms(count, mirrored=mirrored, generator=generator)
            for _ in range(variants - 1)
        ]
        latents.append(torch.stack([_encode_batches(vae, images, m, device) for m in maps]))
    return torch.stack(latents)


def _encode_batches(
    vae: AutoencoderKL, images: np.ndarray, transforms: Tensor, device: torch.device
) -> Tensor:
    batches = range(0, len(images), ENCODE_BATCH)
    parts = [
        encode(
            vae,
            torch.from_numpy(images[at : at + ENCODE_BATCH]).to(device),
            transforms[at : at + ENCODE_BATCH].to(device),
        ).half()
        for at in batches
    ]
    return torch.cat(parts)


def _affine(scale: Tensor, shift: Tensor, *, mirrored: bool) -> Tensor:
    maps = torch.zeros(len(scale), 2, 3)
    maps[:, 0, 0] = -scale if mirrored else scale
    maps[:, 1, 1] = scale
    maps[:, :, 2] = shift
    return maps
