"""Whether a model predicts noise or v, where its file does not say so."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel

from facechain_ext.base.host import PredictionType
from facechain_ext.diffusion.checkpoint import CONFIGS, CheckpointInfo

V_SAMPLE_SIZE = 96
"""Stable Diffusion 2.x was published for v at 768 pixels, and for noise at 512."""


def settle(info: CheckpointInfo, unet: UNet2DConditionModel) -> PredictionType:
    """Return what the UNet predicts, and give it the native size of its kind.

    Single files of Stable Diffusion 2.x hold the same tensors for both kinds: they are asked.
    """
    if info.family != "sd2" or info.layout != "ldm":
        return info.prediction_type
    if info.prediction_type == "epsilon" and not predicts_v(unet):
        return "epsilon"
    if info.components == CONFIGS / "sd2":
        unet.register_to_config(sample_size=V_SAMPLE_SIZE)
    return "v_prediction"


@torch.no_grad()
def predicts_v(unet: UNet2DConditionModel) -> bool:
    """Ask for a prediction at the noisiest step, where noise is the input and v is its opposite.

    Question and threshold are stable-diffusion-webui's (sd_models_config.py), which has put them
    to every published checkpoint.
    """
    like = {"device": unet.conv_in.weight.device, "dtype": unet.conv_in.weight.dtype}
    latents = torch.full((1, int(unet.config.in_channels), 8, 8), 0.5, **like)
    context = torch.full((1, 2, int(unet.config.cross_attention_dim)), 0.5, **like)
    answer = unet(latents, 999, context, return_dict=False)[0]
    return bool((answer.float() - latents.float()).mean() < -1)
