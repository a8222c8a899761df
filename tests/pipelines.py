"""Our models in diffusers' own pipeline."""

from __future__ import annotations

from diffusers import DDIMScheduler, StableDiffusionPipeline

from facechain_ext.diffusion.diffusers_model import DiffusersModel


def pipeline_of(model: DiffusersModel) -> StableDiffusionPipeline:
    return StableDiffusionPipeline(
        vae=model.vae,
        text_encoder=model.text_encoder,
        tokenizer=model.tokenizer,
        unet=model.unet,
        scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
