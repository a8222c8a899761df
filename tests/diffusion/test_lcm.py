from __future__ import annotations

import pytest
import torch
from diffusers import LCMScheduler

from facechain_ext.base.errors import InvalidInput
from facechain_ext.diffusion.lcm import lcm, lcm_timesteps
from facechain_ext.diffusion.sampler import lcm_sigmas, noise_levels
from facechain_ext.diffusion.seeded_noise import SeededNoise


def scheduler() -> LCMScheduler:
    return LCMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")


@pytest.mark.parametrize("steps", [1, 4, 6, 8, 50])
def test_the_timesteps_are_diffusers(steps: int) -> None:
    theirs = scheduler()
    theirs.set_timesteps(steps)
    assert lcm_timesteps(steps) == theirs.timesteps.tolist()


@pytest.mark.parametrize("steps", [0, 51])
def test_more_steps_than_it_knows_are_refused(steps: int) -> None:
    with pytest.raises(InvalidInput, match=f"1 to 50 steps, not {steps}"):
        lcm_timesteps(steps)


def test_it_draws_what_diffusers_draws() -> None:
    """The same steps, in variables scaled otherwise."""
    theirs, noise = scheduler(), SeededNoise([3], (4, 2, 2))
    theirs.set_timesteps(4)
    levels = noise_levels(theirs.alphas_cumprod)
    sigmas = lcm_sigmas(levels, 4)
    start = noise.draw()
    drawn = lcm(lambda x, sigma: 0.5 * x / sigma, start * sigmas[0], sigmas, noise.draw)

    generator = torch.Generator().manual_seed(3)
    wanted = torch.randn((1, 4, 2, 2), generator=generator)
    wanted = wanted * sigmas[0] / (1 + sigmas[0] ** 2) ** 0.5
    for t, sigma in zip(theirs.timesteps, sigmas, strict=False):
        clean = 0.5 * wanted * (1 + sigma**2) ** 0.5 / sigma
        predicted = (wanted * (1 + sigma**2) ** 0.5 - clean) / sigma
        wanted = theirs.step(predicted, t, wanted, generator=generator, return_dict=False)[0]
    assert torch.allclose(drawn, wanted, atol=1e-4)


def test_noise_goes_on_where_it_ended() -> None:
    both, alone = SeededNoise([1, 2], (3,)), SeededNoise([2], (3,))
    assert torch.equal(both.draw()[1:], alone.draw())
    assert torch.equal(both.draw()[1:], alone.draw())
    assert not torch.equal(alone.draw(), alone.draw())
