"""Stable Diffusion in its true sizes with random weights: enough to measure speed and memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from facechain_ext.base.host import Conditioning, Family
from facechain_ext.diffusion.checkpoint import CONFIGS, SD1_COMPONENTS, read_config
from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.standalone.diffusers_host import MINI

POOLED_WIDTH = 1280
"""Of SDXL's pooled text embedding."""


def random_model(family: Family, device: torch.device, dtype: torch.dtype) -> DiffusersModel:
    """Make the UNet alone, of seeded random weights in dtype; there is no text or autoencoder."""
    torch.manual_seed(0)
    with torch.device(device):
        unet = UNet2DConditionModel.from_config(read_config(CONFIGS / family, "unet"))
    unet = nn.Module.to(unet, dtype).requires_grad_(False).eval()
    nothing: Any = nn.Linear(1, 1, device=device)
    return DiffusersModel(unet, nothing, nothing, None, alphas_cumprod(), family=family)


def alphas_cumprod() -> Tensor:
    """Return Stable Diffusion's noise schedule, (1000,)."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64).square()
    return (1 - betas).cumprod(0).float()


@dataclass(frozen=True, eq=False)
class Pictures:
    """Random latents of one caption, as the trainer takes them."""

    latents: Tensor
    loss_weights: Tensor
    caption_index: Tensor
    cond: Conditioning
    add_time_ids: Tensor | None = None
    empty_caption: int = 1


def pictures(model: DiffusersModel, *, count: int = 20) -> Pictures:
    """Draw latents (count, 4, side, side) and two captions of 77 tokens, for this model."""
    draw, device, side = torch.Generator().manual_seed(1), model.device, model.resolution // 8
    width = int(model.unet.config.cross_attention_dim)
    latents = torch.randn(count, 4, side, side, generator=draw)
    weights = 1 + 2 * torch.rand(count, 1, side, side, generator=draw)
    embeds = torch.randn(2, 77, width, generator=draw).to(device)
    pooled = sizes = None
    if model.family == "sdxl":
        pooled = torch.randn(2, POOLED_WIDTH, generator=draw).to(device)
        whole = (8.0 * side, 8.0 * side)
        sizes = torch.tensor([[*whole, 0.0, 0.0, *whole]]).repeat(count, 1).to(device)
    return Pictures(
        latents=latents.to(device),
        loss_weights=weights.to(device),
        caption_index=torch.zeros(count, dtype=torch.long, device=device),
        cond=Conditioning(embeds, pooled),
        add_time_ids=sizes,
    )


def random_autoencoder(device: torch.device, dtype: torch.dtype) -> AutoencoderKL:
    with torch.device(device):
        vae = AutoencoderKL.from_config(read_config(SD1_COMPONENTS, "vae"))
    return vae.to(dtype).requires_grad_(False).eval()


def random_text_encoder(device: torch.device, dtype: torch.dtype) -> CLIPTextModel:
    config = CLIPTextConfig(**read_config(SD1_COMPONENTS, "text_encoder"))
    with torch.device(device):
        text_encoder = CLIPTextModel(config)
    return text_encoder.to(dtype).requires_grad_(False).eval()


def mini_sd15() -> DiffusersModel:
    """Load the mini checkpoint that ships, on the CPU."""
    return load_model(MINI, device="cpu")
