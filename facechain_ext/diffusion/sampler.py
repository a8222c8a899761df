"""Draw latents with DPM-Solver++(2M) on Karras' noise levels, the webui's "DPM++ 2M"; or by `lcm`.

Lu et al. 2022 (arXiv 2211.01095), algorithm 2, in the variance-exploding variables of Karras et
al. 2022 (arXiv 2206.00364): x = x0 + sigma * noise. The timestep of a noise level is interpolated,
not rounded, as k-diffusion does, so that both hosts draw the same picture from the same noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import Conditioning, DiffusionModel
from facechain_ext.diffusion.lcm import lcm, lcm_timesteps
from facechain_ext.diffusion.seeded_noise import SeededNoise

RHO = 7.0
"""Karras et al. 2022, section 3: the schedule's exponent."""

Method = Literal["dpmpp_2m", "lcm"]

OnStep = Callable[[int, int], None]
"""Called before each step with (steps done, steps); may raise Cancelled."""


@dataclass(frozen=True, eq=False)
class Origin:
    """What a painting starts from: scaled latents (1, 4, h, w) and a mask (h, w), 1: painted.

    steps: how many of the steps are taken, the last ones; what comes before is left out.
    """

    latents: Tensor
    mask: Tensor
    steps: int

    def keep(self, clean: Tensor) -> Tensor:
        """Put the original where nothing is painted.

        The solver moves x in a straight line to what it is told is clean, so x is there the
        original with its own noise, of the level that each step has come to.
        """
        return clean * self.mask + self.latents * (1 - self.mask)


def sample(
    model: DiffusionModel,
    cond: Conditioning,
    uncond: Conditioning,
    *,
    seeds: Sequence[int],
    width: int,
    height: int,
    steps: int,
    guidance_scale: float,
    method: Method = "dpmpp_2m",
    origin: Origin | None = None,
    on_step: OnStep | None = None,
    on_clean: Callable[[Tensor], None] | None = None,
    split: bool = False,
) -> Tensor:
    """Return latents (len(seeds), 4, height / 8, width / 8), one picture per seed.

    cond, uncond: one row, used for every picture, or a row per seed.
    origin: a picture to paint into, instead of an empty canvas.
    on_clean: hears after each step what the latents without noise would be, all pictures of them.
    split: predict with and without the prompt one after the other: slower, less memory.
    """
    if width % 8 or height % 8 or width <= 0 or height <= 0:
        raise InvalidInput(f"width and height must be multiples of 8, not {width} x {height}.")
    levels = noise_levels(model.alphas_cumprod)
    sigmas = lcm_sigmas(levels, steps) if method == "lcm" else karras_sigmas(levels, steps)
    noise = SeededNoise(seeds, (4, height // 8, width // 8))
    cond, uncond = _rows(cond, len(seeds)), _rows(uncond, len(seeds))

    def denoise(x: Tensor, sigma: float) -> Tensor:
        scaled = x / math.sqrt(sigma**2 + 1)
        t = torch.full((len(x),), timestep_of(sigma, levels), device=x.device)
        prediction = _guided(model, scaled, t, cond, uncond, scale=guidance_scale, split=split)
        clean = to_clean(model.prediction_type, x, prediction, sigma)
        if origin is not None:
            clean = origin.keep(clean)
        if on_clean is not None:
            on_clean(clean)
        return clean

    with torch.no_grad():
        unit = noise.draw().to(model.device)
        start = unit * sigmas[0]
        if origin is not None:
            sigmas = sigmas[-1 - origin.steps :]
            start = origin.latents + unit * sigmas[0]
        if method == "lcm":
            return lcm(denoise, start, sigmas, noise.draw, on_step=on_step)
        return dpmpp_2m(denoise, start, sigmas, on_step=on_step)


def seeded_noise(seeds: Sequence[int], shape: tuple[int, ...]) -> Tensor:
    """Draw unit noise (len(seeds), *shape) on the CPU; a row depends on its seed alone."""
    return SeededNoise(seeds, shape).draw()


def noise_levels(alphas_cumprod: Tensor) -> Tensor:
    """Return sigma for every training timestep, rising, on the CPU."""
    alphas = alphas_cumprod.double().cpu()
    return ((1 - alphas) / alphas).sqrt()


def karras_sigmas(levels: Tensor, steps: int) -> list[float]:
    """Return steps + 1 noise levels, falling to 0 (Karras et al. 2022, equation 5)."""
    ramp = torch.linspace(0, 1, steps, dtype=levels.dtype)
    high, low = levels[-1] ** (1 / RHO), levels[0] ** (1 / RHO)
    sigmas: list[float] = ((high + ramp * (low - high)) ** RHO).tolist()
    return [*sigmas, 0.0]


def lcm_sigmas(levels: Tensor, steps: int) -> list[float]:
    """Return the noise levels of LCM's timesteps, falling, and 0."""
    return [*(levels[t].item() for t in lcm_timesteps(steps, len(levels))), 0.0]


def timestep_of(sigma: float, levels: Tensor) -> float:
    """Interpolate the timestep of a noise level, linearly in log sigma."""
    logs = levels.log()
    target = math.log(sigma)
    low = int((logs <= target).sum().clamp(1, len(logs) - 1)) - 1
    share = (target - logs[low].item()) / (logs[low + 1] - logs[low]).item()
    return low + min(max(share, 0.0), 1.0)


def to_clean(prediction_type: str, x: Tensor, prediction: Tensor, sigma: float) -> Tensor:
    """Turn a prediction of noise, or of v (Salimans & Ho 2022), into one of the clean latents."""
    if prediction_type == "v_prediction":
        return x / (sigma**2 + 1) - prediction * sigma / math.sqrt(sigma**2 + 1)
    return x - sigma * prediction


def dpmpp_2m(
    denoise: Callable[[Tensor, float], Tensor],
    x: Tensor,
    sigmas: Sequence[float],
    *,
    on_step: OnStep | None = None,
) -> Tensor:
    """Solve from sigmas[0] down to sigmas[-1] = 0 with the second-order multistep method."""
    steps = len(sigmas) - 1
    previous, last_h = None, 0.0
    for step in range(steps):
        if on_step is not None:
            on_step(step, steps)
        denoised = denoise(x, sigmas[step])
        if sigmas[step + 1] == 0:
            return denoised
        h = math.log(sigmas[step] / sigmas[step + 1])
        ahead = denoised
        if previous is not None:
            ratio = h / (2 * last_h)
            ahead = (1 + ratio) * denoised - ratio * previous
        x = math.exp(-h) * x - math.expm1(-h) * ahead
        previous, last_h = denoised, h
    return x


def _guided(
    model: DiffusionModel,
    latents: Tensor,
    timesteps: Tensor,
    cond: Conditioning,
    uncond: Conditioning,
    *,
    scale: float,
    split: bool,
) -> Tensor:
    """Apply classifier-free guidance (Ho & Salimans 2022, equation 6)."""
    if scale == 1:
        return model.predict(latents, timesteps, cond)
    if split or cond.prompt_embeds.shape != uncond.prompt_embeds.shape:
        with_prompt = model.predict(latents, timesteps, cond)
        without = model.predict(latents, timesteps, uncond)
    else:
        both = model.predict(latents.repeat(2, 1, 1, 1), timesteps.repeat(2), _joined(cond, uncond))
        with_prompt, without = both.chunk(2)
    return without + scale * (with_prompt - without)


def _rows(cond: Conditioning, count: int) -> Conditioning:
    if len(cond.prompt_embeds) == count:
        return cond
    if len(cond.prompt_embeds) != 1:
        raise InvalidInput(f"Expected 1 or {count} prompts, got {len(cond.prompt_embeds)}.")
    return cond.select(torch.zeros(count, dtype=torch.long, device=cond.prompt_embeds.device))


def _joined(first: Conditioning, second: Conditioning) -> Conditioning:
    def cat(a: Tensor | None, b: Tensor | None) -> Tensor | None:
        return None if a is None or b is None else torch.cat([a, b])

    return Conditioning(
        torch.cat([first.prompt_embeds, second.prompt_embeds]),
        cat(first.pooled_prompt_embeds, second.pooled_prompt_embeds),
        cat(first.add_time_ids, second.add_time_ids),
    )
