"""What a diffusion model is trained to predict, and how much each error counts.

Pure functions of tensors. Latents are (B, 4, h, w), timesteps (B,) int64, alphas_cumprod (T,)
float32 on the latents' device; names follow Ho et al. 2020 (arXiv 2006.11239).
"""

from __future__ import annotations

import torch
from torch import Tensor

from facechain_ext.base.host import PredictionType


def add_noise(latents: Tensor, noise: Tensor, timesteps: Tensor, alphas_cumprod: Tensor) -> Tensor:
    """Diffuse latents to their timesteps (Ho et al. 2020, equation 4)."""
    signal, spread = _scales(timesteps, alphas_cumprod)
    return signal * latents + spread * noise


def target(
    latents: Tensor,
    noise: Tensor,
    timesteps: Tensor,
    alphas_cumprod: Tensor,
    *,
    prediction_type: PredictionType,
) -> Tensor:
    """Return the noise, or v (Salimans & Ho 2022, arXiv 2202.00512, appendix D)."""
    if prediction_type == "epsilon":
        return noise
    signal, spread = _scales(timesteps, alphas_cumprod)
    return signal * noise - spread * latents


def min_snr_weights(
    timesteps: Tensor, alphas_cumprod: Tensor, *, gamma: float, prediction_type: PredictionType
) -> Tensor:
    """Weigh each noise level, (B,) (Hang et al. 2023, arXiv 2303.09556, section 3.4).

    In terms of the clean latents' error every weight is min(snr, gamma). gamma 0 gives ones.
    """
    if gamma == 0:
        return torch.ones_like(timesteps, dtype=alphas_cumprod.dtype)
    alphas = alphas_cumprod[timesteps]
    snr = alphas / (1 - alphas)
    return snr.clamp(max=gamma) / (snr if prediction_type == "epsilon" else snr + 1)


def weighted_mse(
    model_pred: Tensor, target: Tensor, *, loss_weights: Tensor, sample_weights: Tensor
) -> Tensor:
    """Return the loss of every sample, (B,) float32.

    loss_weights: (B, 1, h, w), whose mean over a sample is how much that sample counts.
    sample_weights: (B,).
    """
    errors = (model_pred.float() - target.float()).square().mean(dim=1, keepdim=True)
    per_sample = (errors * loss_weights).mean(dim=(1, 2, 3))
    return per_sample * sample_weights


def _scales(timesteps: Tensor, alphas_cumprod: Tensor) -> tuple[Tensor, Tensor]:
    alphas = alphas_cumprod[timesteps].view(-1, 1, 1, 1)
    return alphas.sqrt(), (1 - alphas).sqrt()
