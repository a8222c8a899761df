from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from facechain_ext.base.errors import Cancelled, InvalidInput
from facechain_ext.base.host import Conditioning
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.diffusion.sampler import (
    Origin,
    dpmpp_2m,
    karras_sigmas,
    noise_levels,
    sample,
    seeded_noise,
    timestep_of,
    to_clean,
)

ALPHAS = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2, 0)
SPREAD = 0.7


def draw(model: DiffusersModel, seeds: Sequence[int], **changes: object) -> Tensor:
    both = model.encode_prompts(["a photo of fcsks", ""])
    settings: dict[str, object] = {
        "seeds": seeds,
        "width": 64,
        "height": 64,
        "steps": 4,
        "guidance_scale": 3.0,
        **changes,
    }
    cond, uncond = both.select(torch.tensor([0])), both.select(torch.tensor([1]))
    return sample(model, cond, uncond, **settings)  # type: ignore[arg-type]


def assert_alike(first: Tensor, second: Tensor) -> None:
    """Equal but for rounding, which a random UNet makes larger at every step."""
    assert (first - second).abs().max() < 1e-3 * second.abs().max()


def gaussian(x: Tensor, sigma: float) -> Tensor:
    """The best denoiser of latents that are normal with deviation SPREAD."""
    return x * SPREAD**2 / (SPREAD**2 + sigma**2)


@pytest.mark.parametrize(("steps", "error"), [(10, 0.06), (20, 0.015), (40, 0.003)])
def test_the_solver_finds_the_known_answer(steps: int, error: float) -> None:
    sigmas = karras_sigmas(noise_levels(ALPHAS), steps)
    start = torch.tensor([sigmas[0]], dtype=torch.float64)
    exact = start * SPREAD / math.sqrt(SPREAD**2 + sigmas[0] ** 2)
    assert dpmpp_2m(gaussian, start, sigmas).item() == pytest.approx(exact.item(), rel=error)


def test_the_schedule_falls_from_the_noisiest_level_to_none() -> None:
    sigmas = karras_sigmas(noise_levels(ALPHAS), 20)
    assert len(sigmas) == 21
    assert sigmas[0] == pytest.approx(14.6146, abs=1e-3)
    assert sigmas[-2] == pytest.approx(0.0292, abs=1e-4)
    assert sigmas[-1] == 0
    assert sigmas == sorted(sigmas, reverse=True)


def test_a_level_finds_its_timestep() -> None:
    levels = noise_levels(ALPHAS)
    for t in (0, 1, 500, 998, 999):
        assert timestep_of(levels[t].item(), levels) == pytest.approx(t, abs=1e-6)
    between = math.sqrt(levels[100].item() * levels[101].item())
    assert timestep_of(between, levels) == pytest.approx(100.5)
    assert timestep_of(1e-6, levels) == 0
    assert timestep_of(1e6, levels) == 999


@pytest.mark.parametrize("sigma", [0.03, 1.0, 14.6])
def test_noise_and_v_lead_to_the_same_clean_latents(sigma: float) -> None:
    clean, noise = torch.randn(2, 1, 4, 2, 2)
    alpha, s = 1 / math.sqrt(sigma**2 + 1), sigma / math.sqrt(sigma**2 + 1)
    x, v = clean + sigma * noise, alpha * noise - s * clean
    torch.testing.assert_close(to_clean("epsilon", x, noise, sigma), clean, atol=1e-5, rtol=0)
    torch.testing.assert_close(to_clean("v_prediction", x, v, sigma), clean, atol=1e-5, rtol=0)


def test_noise_depends_on_its_own_seed() -> None:
    noise = seeded_noise([1, 2, 1], (4, 8, 8))
    assert torch.equal(noise[0], noise[2])
    assert not torch.equal(noise[0], noise[1])
    assert torch.equal(seeded_noise([2], (4, 8, 8))[0], noise[1])


def test_a_picture_does_not_depend_on_its_batch(small_model: DiffusersModel) -> None:
    together = draw(small_model, [5, 6, 7])
    for row, seed in enumerate((5, 6, 7)):
        assert_alike(draw(small_model, [seed])[0], together[row])


def test_guidance_in_two_calls_is_guidance_in_one(small_model: DiffusersModel) -> None:
    assert_alike(draw(small_model, [1], split=True), draw(small_model, [1]))


def test_prompts_of_unlike_length_are_fine(small_model: DiffusersModel) -> None:
    long = small_model.encode_prompts(["a " * 100])
    short = small_model.encode_prompts([""])
    settings = {"seeds": [1], "width": 64, "height": 64, "steps": 2}
    latents = sample(small_model, long, short, guidance_scale=2.0, **settings)  # type: ignore[arg-type]
    assert latents.isfinite().all()


def test_without_guidance_the_negative_prompt_is_not_asked(small_model: DiffusersModel) -> None:
    cond = small_model.encode_prompts(["a"])
    broken = Conditioning(torch.full_like(cond.prompt_embeds, torch.nan))
    settings = {"seeds": [1], "width": 64, "height": 64, "steps": 2}
    latents = sample(small_model, cond, broken, guidance_scale=1.0, **settings)  # type: ignore[arg-type]
    assert latents.isfinite().all()


def test_prompt_and_guidance_reach_the_picture(small_model: DiffusersModel) -> None:
    assert not torch.allclose(draw(small_model, [1]), draw(small_model, [1], guidance_scale=5.0))


def test_the_size_is_the_pictures(small_model: DiffusersModel) -> None:
    latents = draw(small_model, [1], width=72, height=64)
    assert latents.shape == (1, 4, 8, 9)
    assert small_model.decode_latents(latents).shape == (1, 3, 64, 72)


@pytest.mark.parametrize(("width", "height"), [(60, 64), (64, 60), (0, 64), (-8, 64)])
def test_an_impossible_size_is_refused(
    small_model: DiffusersModel, width: int, height: int
) -> None:
    with pytest.raises(InvalidInput, match="multiples of 8"):
        draw(small_model, [1], width=width, height=height)


def test_the_wrong_number_of_prompts_is_refused(small_model: DiffusersModel) -> None:
    cond = small_model.encode_prompts(["a", "b"])
    settings = {"width": 64, "height": 64, "steps": 2, "guidance_scale": 2.0}
    with pytest.raises(InvalidInput, match="1 or 3 prompts, got 2"):
        sample(small_model, cond, cond, seeds=[1, 2, 3], **settings)  # type: ignore[arg-type]


def test_steps_are_reported_and_can_be_stopped(small_model: DiffusersModel) -> None:
    seen: list[tuple[int, int]] = []
    draw(small_model, [1], on_step=lambda step, steps: seen.append((step, steps)))
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4)]

    def stop(step: int, steps: int) -> None:
        if step == 2:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        draw(small_model, [1], on_step=stop)


def test_what_is_free_of_noise_is_told_after_every_step(small_model: DiffusersModel) -> None:
    told: list[Tensor] = []
    drawn = draw(small_model, [1, 2], on_clean=told.append)
    assert [tuple(each.shape) for each in told] == [tuple(drawn.shape)] * 4
    assert torch.equal(told[-1], drawn)


def test_sampling_leaves_no_graph(new_small_model: Callable[[], DiffusersModel]) -> None:
    model = new_small_model()
    model.unet.requires_grad_(True)
    assert not draw(model, [1]).requires_grad


def origin(steps: int, painted: float = 0.0) -> Origin:
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(9))
    mask = torch.full((8, 8), painted)
    mask[2:5, 3:6] = 1
    return Origin(latents, mask, steps)


def test_where_nothing_is_painted_the_original_comes_back(small_model: DiffusersModel) -> None:
    start = origin(steps=3)
    seen: list[Tensor] = []
    latents = draw(small_model, [1, 2], origin=start, on_clean=seen.append)
    kept = (start.mask == 0).expand(2, 4, 8, 8)
    whole = start.latents.expand(2, 4, 8, 8)
    assert len(seen) == 3
    assert torch.allclose(latents[kept], whole[kept], atol=1e-5)
    assert (latents - whole)[~kept].abs().mean() > 0.1


def test_at_every_step_it_has_the_noise_of_that_step() -> None:
    start, sigmas = origin(steps=4), [4.0, 2.0, 1.0, 0.5, 0.0]
    noise = seeded_noise([5], (4, 8, 8))
    seen: list[Tensor] = []

    def denoise(x: Tensor, sigma: float) -> Tensor:
        seen.append(x)
        return start.keep(torch.zeros_like(x))

    dpmpp_2m(denoise, start.latents + noise * sigmas[0], sigmas)
    kept = (start.mask == 0).expand(1, 4, 8, 8)
    for x, sigma in zip(seen, sigmas, strict=False):
        assert torch.allclose(x[kept], (start.latents + noise * sigma)[kept], atol=1e-4)


def test_all_steps_are_told_of_those_that_are_taken(small_model: DiffusersModel) -> None:
    told: list[tuple[int, int]] = []
    draw(small_model, [1], origin=origin(steps=2), on_step=lambda *both: told.append(both))
    assert told == [(0, 2), (1, 2)]
