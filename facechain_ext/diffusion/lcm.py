"""Draw latents in a few steps with a latent consistency model, the webui's "LCM".

Luo et al. 2023 (arXiv 2310.04378, algorithm 3): every step predicts the clean latents and noises
them again, less than before. In the variables of `sampler`: x = x0 + sigma * noise. The timesteps
are those of diffusers' LCMScheduler: every so many of the 50 that such models are distilled on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from facechain_ext.base.errors import InvalidInput

ORIGINAL_STEPS = 50


def lcm_timesteps(steps: int, timesteps: int = 1000) -> list[int]:
    """Return the timesteps of so many steps, falling; raises InvalidInput for more than 50."""
    if not 1 <= steps <= ORIGINAL_STEPS:
        raise InvalidInput(f"The LCM sampler draws in 1 to {ORIGINAL_STEPS} steps, not {steps}.")
    apart = timesteps // ORIGINAL_STEPS
    return [apart * (ORIGINAL_STEPS - step * ORIGINAL_STEPS // steps) - 1 for step in range(steps)]


def lcm(
    denoise: Callable[[Tensor, float], Tensor],
    x: Tensor,
    sigmas: Sequence[float],
    draw_noise: Callable[[], Tensor],
    *,
    on_step: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Predict from sigmas[0], noise to sigmas[1], and so on down to sigmas[-1] = 0."""
    steps = len(sigmas) - 1
    for step in range(steps):
        if on_step is not None:
            on_step(step, steps)
        x = denoise(x, sigmas[step])
        if sigmas[step + 1] > 0:
            x = x + sigmas[step + 1] * draw_noise().to(x)
    return x
