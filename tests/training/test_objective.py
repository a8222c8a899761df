"""The objective against closed forms and against diffusers' DDPM scheduler."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from diffusers import DDPMScheduler
from torch import Tensor

from facechain_ext.base.host import PredictionType
from facechain_ext.training.objective import add_noise, min_snr_weights, target, weighted_mse

KINDS = get_args(PredictionType)
ALPHAS: Tensor = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2, dim=0)
TIMESTEPS = torch.tensor([0, 250, 999])


def drawn(seed: int, channels: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, channels, 5, 6, generator=generator)


@pytest.fixture
def scheduler() -> DDPMScheduler:
    return DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")


def test_noise_is_added_as_diffusers_adds_it(scheduler: DDPMScheduler) -> None:
    ours = add_noise(drawn(0), drawn(1), TIMESTEPS, ALPHAS)
    torch.testing.assert_close(ours, scheduler.add_noise(drawn(0), drawn(1), TIMESTEPS))


def test_the_targets_are_the_noise_and_diffusers_velocity(scheduler: DDPMScheduler) -> None:
    latents, noise = drawn(0), drawn(1)
    epsilon = target(latents, noise, TIMESTEPS, ALPHAS, prediction_type="epsilon")
    v = target(latents, noise, TIMESTEPS, ALPHAS, prediction_type="v_prediction")
    assert epsilon is noise
    torch.testing.assert_close(v, scheduler.get_velocity(latents, noise, TIMESTEPS))


def test_min_snr_weights_of_noise_match_their_closed_form() -> None:
    weights = min_snr_weights(TIMESTEPS, ALPHAS, gamma=5.0, prediction_type="epsilon")
    snr = ALPHAS[TIMESTEPS] / (1 - ALPHAS[TIMESTEPS])
    expected = torch.minimum(torch.ones(3), 5.0 / snr)
    torch.testing.assert_close(weights, expected)
    assert weights[0] < 0.01 and weights[2] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_in_terms_of_clean_latents_every_weight_is_min_snr_gamma(kind: PredictionType) -> None:
    """Whatever is predicted, an error d of the clean latents costs min(snr, gamma) d^2."""
    noisy, clean, off = drawn(0).double(), drawn(1).double(), drawn(2).double()
    alphas = ALPHAS.double()
    a = alphas[TIMESTEPS].view(-1, 1, 1, 1)

    def predicted(x0: Tensor) -> Tensor:
        noise = (noisy - a.sqrt() * x0) / (1 - a).sqrt()
        return target(x0, noise, TIMESTEPS, alphas, prediction_type=kind)

    errors = (predicted(clean) - predicted(off)).square().mean(dim=(1, 2, 3))
    weights = min_snr_weights(TIMESTEPS, alphas, gamma=5.0, prediction_type=kind)
    snr = (a / (1 - a)).flatten()
    clean_errors = (clean - off).square().mean(dim=(1, 2, 3))
    torch.testing.assert_close(weights * errors, snr.clamp(max=5.0) * clean_errors)


@pytest.mark.parametrize("kind", KINDS)
def test_gamma_zero_turns_the_weights_off(kind: PredictionType) -> None:
    weights = min_snr_weights(TIMESTEPS, ALPHAS, gamma=0, prediction_type=kind)
    assert weights.tolist() == [1, 1, 1]


def test_even_weights_give_the_plain_mean_squared_error() -> None:
    even = torch.ones(3, 1, 5, 6)
    loss = weighted_mse(drawn(0), drawn(1), loss_weights=even, sample_weights=torch.ones(3))
    torch.testing.assert_close(loss.mean(), torch.nn.functional.mse_loss(drawn(0), drawn(1)))


def test_errors_outside_the_mask_do_not_count() -> None:
    wanted, given = drawn(0), drawn(0)
    given[:, :, :, 3:] += 100.0
    given[:, :, :, :3] += 2.0
    mask = torch.zeros(3, 1, 5, 6)
    mask[..., :3] = 2.0  # mean 1
    loss = weighted_mse(given, wanted, loss_weights=mask, sample_weights=torch.ones(3))
    assert loss.tolist() == pytest.approx([4.0] * 3, rel=1e-5)


def test_heavier_pixels_and_samples_count_as_much_more() -> None:
    wanted, given = torch.zeros(2, 4, 1, 2), torch.zeros(2, 4, 1, 2)
    given[0, :, :, 0] = 1.0
    loss_weights = torch.tensor([1.5, 0.5]).view(1, 1, 1, 2).repeat(2, 1, 1, 1)
    loss = weighted_mse(
        given, wanted, loss_weights=loss_weights, sample_weights=torch.tensor([0.5, 1.0])
    )
    assert loss.tolist() == pytest.approx([0.5 * 3 / 4, 0])


def test_a_sample_counts_as_much_as_the_mean_of_its_weights() -> None:
    wanted, given = torch.zeros(2, 4, 1, 2), torch.ones(2, 4, 1, 2)
    weights = torch.tensor([1.0, 0.25]).view(2, 1, 1, 1).expand(2, 1, 1, 2)
    loss = weighted_mse(given, wanted, loss_weights=weights, sample_weights=torch.ones(2))
    assert loss.tolist() == pytest.approx([1, 0.25])


def test_a_sample_that_is_masked_out_entirely_costs_nothing() -> None:
    zero = torch.zeros(3, 1, 5, 6)
    loss = weighted_mse(drawn(0), drawn(1), loss_weights=zero, sample_weights=torch.ones(3))
    assert loss.tolist() == [0, 0, 0]
