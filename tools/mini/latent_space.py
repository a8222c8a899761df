"""The trained autoencoder: unit latents, and how good its reconstructions are."""

from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch import Tensor

SCALE = 0.18215
"""Stable Diffusion's: latents times this have unit variance."""


@torch.no_grad()
def fold_latents(vae: AutoencoderKL, images: Tensor, batch: int = 32) -> None:
    """Fold the latents' mean and spread into the 1x1 convolutions, in place.

    Afterwards latents * 0.18215 have mean 0 and variance 1 in each channel over `images` (uint8,
    (N, H, W, 3)), and reconstructions are what they were.
    """
    latents = torch.cat([encode(vae, part).double() for part in torch.split(images, batch)])
    mean = latents.mean(dim=(0, 2, 3))
    spread = latents.std(dim=(0, 2, 3)) * SCALE
    before, after = vae.quant_conv, vae.post_quant_conv
    _scale_output(before.weight, before.bias, mean, spread)
    _scale_input(after.weight, after.bias, mean, spread)


def _scale_output(weight: Tensor, bias: Tensor, mean: Tensor, spread: Tensor) -> None:
    count = len(mean)
    weight[:count] = (weight[:count] / spread[:, None, None, None]).float()
    bias[:count] = ((bias[:count] - mean) / spread).float()
    bias[count:] -= (2 * spread.log()).float()  # the other half are log variances


def _scale_input(weight: Tensor, bias: Tensor, mean: Tensor, spread: Tensor) -> None:
    bias += (weight[:, :, 0, 0].double() @ mean).float()
    weight *= spread.float()[None, :, None, None]


def encode(vae: AutoencoderKL, images: Tensor) -> Tensor:
    """Encode uint8 pictures (B, H, W, 3) to the mode of their latents (B, 4, H/8, W/8)."""
    pixels = images.permute(0, 3, 1, 2).float() / 127.5 - 1
    latents: Tensor = vae.encode(pixels).latent_dist.mode()
    return latents


@torch.no_grad()
def reconstruct(vae: AutoencoderKL, images: Tensor, batch: int = 32) -> np.ndarray:
    """Encode and decode uint8 pictures (N, H, W, 3), to the same."""
    parts = [vae.decode(encode(vae, part)).sample for part in torch.split(images, batch)]
    pixels = ((torch.cat(parts) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return np.asarray(pixels.permute(0, 2, 3, 1).cpu())


def psnr(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Compare uint8 pictures (N, H, W, 3) pair by pair: decibels (N,)."""
    error = np.square(images.astype(np.float32) - others).mean(axis=(1, 2, 3))
    return np.asarray(10 * np.log10(255.0**2 / np.maximum(error, 1e-9)))


def self_similarity(
    images: np.ndarray, others: np.ndarray, rows: np.ndarray, recogniser: Path
) -> np.ndarray:
    """Tell how far a reconstruction is still the same person: cosines (N,), by SFace."""
    net = cv2.FaceRecognizerSF.create(str(recogniser), "")

    def feature(image: np.ndarray, row: np.ndarray) -> np.ndarray:
        face = net.alignCrop(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), row)
        return np.array(net.feature(face))

    pairs = zip(images, others, rows, strict=True)
    return np.array([net.match(feature(a, row), feature(b, row), 0) for a, b, row in pairs])


def sheet(images: np.ndarray, others: np.ndarray, columns: int = 8) -> Image.Image:
    """Draw originals over their reconstructions, `columns` a line."""
    lines = []
    for i in range(0, len(images), columns):
        lines += [np.hstack(list(row[i : i + columns])) for row in (images, others)]
    return Image.fromarray(np.vstack(lines))
