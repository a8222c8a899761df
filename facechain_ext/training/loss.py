"""The losses of one batch under a model."""

from __future__ import annotations

import torch
from torch import Tensor

from facechain_ext.base.host import DiffusionModel
from facechain_ext.training.batches import Batch
from facechain_ext.training.objective import add_noise, min_snr_weights, target, weighted_mse


def batch_loss(
    model: DiffusionModel,
    batch: Batch,
    alphas_cumprod: Tensor,
    *,
    min_snr_gamma: float,
    autocast: torch.dtype | None = None,
) -> Tensor:
    """Return the loss of every picture, (B,); alphas_cumprod on the model's device."""
    latents, noise, timesteps = batch.latents, batch.noise, batch.timesteps
    kind = model.prediction_type
    noisy_latents = add_noise(latents, noise, timesteps, alphas_cumprod)
    enabled = autocast is not None
    # No cache: it would hold casts of parameters that a replayed graph has since changed.
    with torch.autocast(model.device.type, autocast, enabled=enabled, cache_enabled=False):
        model_pred = model.predict(noisy_latents, timesteps, batch.cond)
    return weighted_mse(
        model_pred,
        target(latents, noise, timesteps, alphas_cumprod, prediction_type=kind),
        loss_weights=batch.loss_weights,
        sample_weights=min_snr_weights(
            timesteps, alphas_cumprod, gamma=min_snr_gamma, prediction_type=kind
        ),
    )
