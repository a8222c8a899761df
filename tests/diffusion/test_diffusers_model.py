from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel

from facechain_ext.base.host import Conditioning, DiffusionModel
from facechain_ext.diffusion.checkpoint import SD1_COMPONENTS, read_config
from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.diffusion.lora_names import unet_targets
from facechain_ext.diffusion.sampler import sample
from tests.pipelines import pipeline_of


def test_it_is_a_diffusion_model(tiny_model: DiffusersModel) -> None:
    model: DiffusionModel = tiny_model
    assert (model.family, model.prediction_type, model.resolution) == ("sd1", "epsilon", 64)
    assert model.denoiser is tiny_model.unet
    assert model.device.type == "cpu"
    assert model.alphas_cumprod.shape == (1000,)
    assert model.alphas_cumprod.dtype == torch.float32


def test_a_small_model_asks_for_more_layers_and_a_higher_rate(tiny_model: DiffusersModel) -> None:
    assert tiny_model.suggested_target_modules == "all"
    assert tiny_model.suggested_learning_rate == 2e-3
    assert tiny_model.default_guidance_scale == 3.0


def test_the_schedule_is_stable_diffusions(tiny_model: DiffusersModel) -> None:
    scheduler = DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    assert torch.equal(tiny_model.alphas_cumprod, scheduler.alphas_cumprod)


@pytest.mark.parametrize("kind, count", [("attention", 128), ("all", 258)])
def test_lora_targets_of_sd1(kind: str, count: int) -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(read_config(SD1_COMPONENTS, "unet"))
    targets = unet_targets(unet, kind)  # type: ignore[arg-type]
    assert len(targets) == count
    assert all(unet.get_submodule(path).weight is not None for path in targets.values())


def test_lora_names_are_kohyas(tiny_model: DiffusersModel) -> None:
    targets = tiny_model.lora_targets("all")
    block = "lora_unet_down_blocks_0_attentions_0_"
    layer = "lora_unet_up_blocks_3_resnets_2_"
    for name in (
        block + "transformer_blocks_0_attn1_to_out_0",
        block + "transformer_blocks_0_ff_net_0_proj",
        block + "transformer_blocks_0_ff_net_2",
        block + "proj_in",
        "lora_unet_mid_block_attentions_0_proj_out",
        layer + "conv1",
        layer + "conv2",
        layer + "time_emb_proj",
    ):
        assert name in targets


def test_layers_for_merging_include_the_text_encoder(tiny_model: DiffusersModel) -> None:
    layers = tiny_model.lora_layers()
    assert set(tiny_model.lora_targets("all")) < set(layers)
    text = [name for name in layers if name.startswith("lora_te_text_model_encoder_layers_")]
    assert len(text) == 2 * (6 + 2)  # matrices and norms
    assert "lora_te_text_model_encoder_layers_1_self_attn_out_proj" in text
    assert "lora_unet_down_blocks_0_downsamplers_0_conv" in layers


def test_latents_are_scaled_and_come_back(tiny_model: DiffusersModel) -> None:
    pixels = torch.rand(2, 3, 64, 64) * 2 - 1
    first = tiny_model.encode_images(pixels, torch.Generator().manual_seed(1))
    again = tiny_model.encode_images(pixels, torch.Generator().manual_seed(1))
    other = tiny_model.encode_images(pixels, torch.Generator().manual_seed(2))
    mean = tiny_model.vae.encode(pixels).latent_dist.mean * 0.18215
    assert first.shape == (2, 4, 8, 8)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert (first - mean).abs().mean() < 0.3
    decoded = tiny_model.decode_latents(first)
    assert decoded.shape == pixels.shape
    assert decoded.abs().max() <= 1
    torch.testing.assert_close(
        decoded, tiny_model.vae.decode(first / 0.18215).sample.clamp(-1, 1), atol=1e-4, rtol=0
    )


def test_prompt_rows_keep_their_order(tiny_model: DiffusersModel) -> None:
    cond = tiny_model.encode_prompts(["a", "b"])
    assert torch.equal(
        cond.select(torch.tensor([1])).prompt_embeds, tiny_model.encode_prompts(["b"]).prompt_embeds
    )


def test_predict_is_the_unets_answer_in_the_inputs_precision(tiny_file: Path) -> None:
    model = load_model(tiny_file, device="cpu", dtype=torch.bfloat16)
    latents, timesteps = torch.randn(2, 4, 8, 8), torch.tensor([3, 700])
    cond = Conditioning(torch.randn(2, 77, 32))
    prediction = model.predict(latents, timesteps, cond)
    assert prediction.dtype == torch.float32
    assert prediction.shape == latents.shape


def test_predict_lets_gradients_through(tiny_model: DiffusersModel) -> None:
    latents = torch.randn(1, 4, 8, 8, requires_grad=True)
    cond = tiny_model.encode_prompts(["a"])
    tiny_model.predict(latents, torch.tensor([3]), cond).sum().backward()
    assert latents.grad is not None


def test_diffusers_pipeline_encodes_prompts_alike(tiny_model: DiffusersModel) -> None:
    pipeline = pipeline_of(tiny_model)
    embeds, _ = pipeline.encode_prompt("a photo of fcsks", "cpu", 1, False)
    ours = tiny_model.encode_prompts(["a photo of fcsks"])
    torch.testing.assert_close(ours.prompt_embeds, embeds)


@pytest.mark.model
def test_the_mini_is_an_sd1_of_192_pixels(mini: DiffusersModel) -> None:
    assert mini.resolution == 192
    assert mini.suggested_target_modules == "all"
    assert len(mini.lora_targets("all")) == 258


@pytest.mark.model
def test_the_mini_draws_pictures_that_follow_the_prompt(mini: DiffusersModel) -> None:
    cond = mini.encode_prompts(["portrait photo of a woman, black and white photo", ""])
    color = mini.encode_prompts(["portrait photo of a woman, color photo", ""])
    grey, bright = (
        mini.decode_latents(
            sample(
                mini,
                both.select(torch.tensor([0])),
                both.select(torch.tensor([1])),
                seeds=[7],
                width=192,
                height=192,
                steps=6,
                guidance_scale=mini.default_guidance_scale,
            )
        )
        for both in (cond, color)
    )
    assert grey.shape == (1, 3, 192, 192)
    assert grey.std() > 0.2
    assert _colorfulness(bright) > 2 * _colorfulness(grey)


def _colorfulness(picture: torch.Tensor) -> float:
    return float((picture - picture.mean(dim=1, keepdim=True)).abs().mean())
