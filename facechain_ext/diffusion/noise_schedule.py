"""The noise that a checkpoint was trained with."""

from __future__ import annotations

from diffusers import DDPMScheduler
from torch import Tensor

from facechain_ext.base.errors import UnsupportedCheckpoint
from facechain_ext.diffusion.checkpoint import CheckpointInfo, read_config

SCHEDULE = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas")

LEAST_ALPHA = 2.0**-24
"""What stands for no signal at all: the sampler's noise levels stay finite, as in diffusers."""


def load_alphas_cumprod(info: CheckpointInfo) -> Tensor:
    """Return the share of the signal's variance at every timestep, (1000,), float32.

    Raises UnsupportedCheckpoint for settings that describe no schedule.
    """
    config = read_config(info.components, "scheduler")
    try:
        scheduler = DDPMScheduler(**{key: config[key] for key in SCHEDULE if key in config})
    except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:
        raise UnsupportedCheckpoint(
            f"{info.components.name}: scheduler/scheduler_config.json describes no schedule."
        ) from error
    alphas: Tensor = scheduler.alphas_cumprod.float()
    return without_signal_at_the_end(alphas) if info.zero_snr else alphas


def without_signal_at_the_end(alphas_cumprod: Tensor) -> Tensor:
    """Rescale a schedule to end in pure noise (Lin et al. 2023, arXiv 2305.08891, algorithm 1)."""
    roots = alphas_cumprod.double().sqrt()
    rescaled = (roots - roots[-1]) * roots[0] / (roots[0] - roots[-1])
    return rescaled.square().clamp(min=LEAST_ALPHA).float()
