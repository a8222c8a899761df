"""SDXL through our path against diffusers' own pipeline, and sgm's single file against a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionXLPipeline
from safetensors.torch import load_file, save_file
from torch import Tensor

from facechain_ext.base.errors import InvalidInput, UnsupportedCheckpoint
from facechain_ext.base.host import Conditioning, DiffusionModel
from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.diffusion.noise_schedule import LEAST_ALPHA, without_signal_at_the_end
from facechain_ext.diffusion.sampler import sample

pytestmark = pytest.mark.slow(5)

PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")
PROMPT, NEGATIVE = "a photo of fcsks, 25!", "blurry"


def states(model: DiffusersModel | StableDiffusionXLPipeline) -> dict[str, Tensor]:
    return {
        f"{part}.{name}": tensor
        for part in PARTS
        for name, tensor in getattr(model, part).state_dict().items()
    }


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert set(first) == set(second)
    assert [key for key in first if not torch.equal(first[key], second[key])] == []


def pipeline_of(model: DiffusersModel, folder: Path) -> StableDiffusionXLPipeline:
    """Build diffusers' pipeline on the same modules, without their progress bars."""
    pipeline = StableDiffusionXLPipeline.from_pretrained(
        str(folder),
        local_files_only=True,
        add_watermarker=False,
        **{part: getattr(model, part) for part in PARTS},
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def pipeline(tiny_sdxl: DiffusersModel, tiny_sdxl_folder: Path) -> StableDiffusionXLPipeline:
    return pipeline_of(tiny_sdxl, tiny_sdxl_folder)


def draw(model: DiffusersModel, steps: int, **changes: Any) -> Tensor:
    cond, uncond = model.encode_prompts([PROMPT]), model.encode_prompts([""])
    settings = {"seeds": [1], "width": 96, "height": 64, "guidance_scale": 5.0, **changes}
    return sample(model, cond, uncond, steps=steps, **settings)


def test_it_is_a_diffusion_model(tiny_sdxl: DiffusersModel) -> None:
    model: DiffusionModel = tiny_sdxl
    assert (model.family, model.prediction_type, model.resolution) == ("sdxl", "epsilon", 64)
    assert (model.suggested_target_modules, model.suggested_learning_rate) == ("all", 2e-3)


def test_a_full_size_one_has_its_own_suggestions(tiny_sdxl: DiffusersModel) -> None:
    wide = torch.nn.Module()
    wide.config = type("Config", (), {"block_out_channels": (320,), "sample_size": 128})  # type: ignore[assignment]
    model = replace(tiny_sdxl, unet=wide)
    assert (model.resolution, model.default_guidance_scale) == (1024, 5.0)
    assert (model.suggested_target_modules, model.suggested_learning_rate) == ("attention", 1e-4)


def test_both_layouts_hold_the_same_model(tiny_sdxl: DiffusersModel, tiny_sdxl_file: Path) -> None:
    loaded = load_model(tiny_sdxl_file, device="cpu")
    assert_same(states(loaded), states(tiny_sdxl))
    assert_same_conditioning(loaded.encode_prompts([PROMPT]), tiny_sdxl.encode_prompts([PROMPT]))


def assert_same_conditioning(first: Conditioning, second: Conditioning) -> None:
    assert torch.equal(first.prompt_embeds, second.prompt_embeds)
    assert first.pooled_prompt_embeds is not None
    assert second.pooled_prompt_embeds is not None
    assert torch.equal(first.pooled_prompt_embeds, second.pooled_prompt_embeds)


def test_diffusers_reads_the_same_out_of_both(
    tiny_sdxl: DiffusersModel, tiny_sdxl_folder: Path, tiny_sdxl_file: Path
) -> None:
    """diffusers' own loaders are an independent statement of both layouts."""
    settings = {"local_files_only": True, "add_watermarker": False}
    folder = StableDiffusionXLPipeline.from_pretrained(str(tiny_sdxl_folder), **settings)
    single = StableDiffusionXLPipeline.from_single_file(
        str(tiny_sdxl_file), config=str(tiny_sdxl_file.parent), **settings
    )
    assert_same(states(folder), states(tiny_sdxl))
    assert_same(states(single), states(tiny_sdxl))


def test_prompts_are_encoded_as_by_diffusers(
    tiny_sdxl: DiffusersModel, pipeline: StableDiffusionXLPipeline
) -> None:
    embeds, _, pooled, _ = pipeline.encode_prompt("a photo of fcsks, 25", None, "cpu", 1, False)
    ours = tiny_sdxl.encode_prompts(["a photo of fcsks, 25"])
    assert ours.prompt_embeds.shape == (1, 77, 32 + 48)
    torch.testing.assert_close(ours.prompt_embeds, embeds)
    torch.testing.assert_close(ours.pooled_prompt_embeds, pooled)


def test_no_prompt_is_no_embedding(
    tiny_sdxl: DiffusersModel, pipeline: StableDiffusionXLPipeline
) -> None:
    _, negative, _, pooled = pipeline.encode_prompt("a", None, "cpu", 1, True)
    ours = tiny_sdxl.encode_prompts(["a", "", " "])
    for row in (1, 2):
        assert torch.equal(ours.prompt_embeds[row : row + 1], negative)
        assert torch.equal(ours.pooled_prompt_embeds[row : row + 1], pooled)
    assert ours.prompt_embeds[0].abs().sum() > 0


def test_a_long_prompt_is_several_chunks_and_pooled_by_the_first(tiny_sdxl: DiffusersModel) -> None:
    start, rest = "a " * 75, "photo " * 30
    long = tiny_sdxl.encode_prompts([start + rest, "b"])
    first, second = tiny_sdxl.encode_prompts([start]), tiny_sdxl.encode_prompts([rest])
    assert long.prompt_embeds.shape == (2, 154, 80)
    torch.testing.assert_close(long.prompt_embeds[0, :77], first.prompt_embeds[0])
    torch.testing.assert_close(long.prompt_embeds[0, 77:], second.prompt_embeds[0])
    torch.testing.assert_close(long.pooled_prompt_embeds[0], first.pooled_prompt_embeds[0])
    torch.testing.assert_close(
        long.pooled_prompt_embeds[1], tiny_sdxl.encode_prompts(["b"]).pooled_prompt_embeds[0]
    )


def test_emphasis_acts_on_each_encoder_by_itself(tiny_sdxl: DiffusersModel) -> None:
    plain, loud = (tiny_sdxl.encode_prompts([text]) for text in ("a photo", "a (photo:1.4)"))
    for part in (slice(0, 32), slice(32, 80)):
        before, after = plain.prompt_embeds[..., part], loud.prompt_embeds[..., part]
        assert not torch.allclose(before, after)
        ratio = after[0] / before[0]
        assert torch.allclose(ratio[2] / ratio[1], torch.tensor(1.4), atol=1e-3)
    assert torch.equal(plain.pooled_prompt_embeds, loud.pooled_prompt_embeds)


def test_predict_is_the_unets_answer(tiny_sdxl: DiffusersModel) -> None:
    cond = tiny_sdxl.encode_prompts([PROMPT, NEGATIVE])
    ids = torch.tensor([[512.0, 640, 16, 32, 64, 64], [64, 64, 0, 0, 64, 64]])
    latents, timesteps = torch.randn(2, 4, 8, 8), torch.tensor([40, 900])
    answer = tiny_sdxl.unet(
        latents,
        timesteps,
        cond.prompt_embeds,
        added_cond_kwargs={"text_embeds": cond.pooled_prompt_embeds, "time_ids": ids},
    ).sample
    ours = tiny_sdxl.predict(latents, timesteps, replace(cond, add_time_ids=ids))
    assert torch.equal(ours, answer)


def test_every_size_and_crop_reaches_the_unet(tiny_sdxl: DiffusersModel) -> None:
    cond, latents = tiny_sdxl.encode_prompts([PROMPT]), torch.randn(1, 4, 8, 8)
    whole = [64.0, 64, 0, 0, 64, 64]

    def predict(ids: list[float]) -> Tensor:
        sized = replace(cond, add_time_ids=torch.tensor([ids]))
        return tiny_sdxl.predict(latents, torch.tensor([500]), sized)

    for place in range(6):
        changed = [value + 32 * (at == place) for at, value in enumerate(whole)]
        assert not torch.allclose(predict(changed), predict(whole))


def test_a_picture_drawn_is_whole_and_of_its_own_size(tiny_sdxl: DiffusersModel) -> None:
    cond, latents = tiny_sdxl.encode_prompts([PROMPT]), torch.randn(1, 4, 8, 12)
    ids = torch.tensor([[64.0, 96, 0, 0, 64, 96]])
    told = tiny_sdxl.predict(latents, torch.tensor([500]), replace(cond, add_time_ids=ids))
    assert torch.equal(tiny_sdxl.predict(latents, torch.tensor([500]), cond), told)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers' own
@pytest.mark.parametrize(("steps", "tolerance"), [(1, 1e-4), (6, 0.003)])
def test_latents_are_those_that_diffusers_samples(
    tiny_sdxl: DiffusersModel,
    pipeline: StableDiffusionXLPipeline,
    steps: int,
    tolerance: float,
) -> None:
    """Not square, with guidance. In between the ends diffusers rounds the timesteps; we do not."""
    pipeline.scheduler = DPMSolverMultistepScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        use_karras_sigmas=True,
    )
    noise = torch.randn(4, 8, 12, generator=torch.Generator().manual_seed(1))[None]
    noise *= (1 - tiny_sdxl.alphas_cumprod[-1]).sqrt()
    theirs = pipeline(
        PROMPT.rstrip("!"),
        width=96,
        height=64,
        num_inference_steps=steps,
        guidance_scale=5.0,
        latents=noise,
        output_type="latent",
    ).images
    cond = tiny_sdxl.encode_prompts([PROMPT.rstrip("!"), ""])
    rows = [cond.select(torch.tensor([row])) for row in (0, 1)]
    settings: dict[str, Any] = {"seeds": [1], "width": 96, "height": 64, "guidance_scale": 5.0}
    ours = sample(tiny_sdxl, *rows, steps=steps, **settings)
    assert (ours - theirs).abs().max() < tolerance * theirs.abs().max()


@pytest.mark.parametrize(("width", "height"), [(64, 64), (128, 64), (64, 192)])
def test_buckets_that_are_not_square_are_drawn(
    tiny_sdxl: DiffusersModel, width: int, height: int
) -> None:
    latents = draw(tiny_sdxl, 2, width=width, height=height)
    assert tiny_sdxl.decode_latents(latents).shape == (1, 3, height, width)


def test_latents_have_sdxls_scale(tiny_sdxl: DiffusersModel) -> None:
    pixels = torch.rand(1, 3, 64, 64) * 2 - 1
    ours = tiny_sdxl.encode_images(pixels, torch.Generator().manual_seed(1))
    theirs = tiny_sdxl.vae.encode(pixels).latent_dist.sample(torch.Generator().manual_seed(1))
    torch.testing.assert_close(ours, theirs * 0.13025)


def test_in_half_precision_the_autoencoder_stays_whole(tiny_sdxl_file: Path) -> None:
    model = load_model(tiny_sdxl_file, device="cpu", dtype=torch.bfloat16)
    assert model.text_encoder_2 is not None
    halves = (model.unet, model.text_encoder, model.text_encoder_2)
    assert {p.dtype for half in halves for p in half.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in model.vae.parameters()} == {torch.float32}
    assert draw(model, 1).dtype == torch.float32


def rewrite(
    tiny_sdxl_file: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]], name: str
) -> Path:
    path = tiny_sdxl_file.with_name(name)
    save_file(change(load_file(tiny_sdxl_file)), path)
    return path


def test_v_prediction_and_pure_noise_are_read_from_the_file(tiny_sdxl_file: Path) -> None:
    markers = {"v_pred": torch.tensor([]), "ztsnr": torch.tensor([])}
    model = load_model(
        rewrite(tiny_sdxl_file, lambda t: t | markers, "v.safetensors"), device="cpu"
    )
    assert (model.family, model.prediction_type) == ("sdxl", "v_prediction")
    assert model.alphas_cumprod[-1] == LEAST_ALPHA
    assert draw(model, 3).isfinite().all()


def test_the_rescaled_schedule_is_diffusers(tiny_sdxl: DiffusersModel) -> None:
    scheduler = DPMSolverMultistepScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        rescale_betas_zero_snr=True,
    )
    ours = without_signal_at_the_end(tiny_sdxl.alphas_cumprod)
    torch.testing.assert_close(ours, scheduler.alphas_cumprod.float(), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    "name",
    [
        "model.diffusion_model.label_emb.0.2.bias",
        "conditioner.embedders.0.transformer.text_model.final_layer_norm.bias",
        "conditioner.embedders.1.model.text_projection",
        "conditioner.embedders.1.model.transformer.resblocks.1.attn.in_proj_bias",
    ],
)
def test_a_missing_tensor_is_named(tiny_sdxl_file: Path, name: str) -> None:
    def drop(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        return {key: tensor for key, tensor in tensors.items() if key != name}

    path = rewrite(tiny_sdxl_file, drop, "incomplete.safetensors")
    with pytest.raises(UnsupportedCheckpoint, match=f"incomplete: it lacks {name}"):
        load_model(path, device="cpu")


def test_an_impossible_size_is_refused(tiny_sdxl: DiffusersModel) -> None:
    with pytest.raises(InvalidInput, match="multiples of 8"):
        draw(tiny_sdxl, 1, width=60)
