"""What A1111 does to its model when it draws or paints: LoRAs stay merged into it."""

from __future__ import annotations

import re
from typing import Any

import networks
import torch
from modules import script_callbacks, sd_models, shared
from torch import nn

from facechain_ext.diffusion.ldm_model import LdmModel
from facechain_ext.diffusion.pixels import to_pixels
from facechain_ext.diffusion.sampler import sample

TAG = re.compile(r" ?<lora:([^:>]+):([^>]+)>")


class Stopped(Exception):
    pass


def draw(p: Any) -> list[Any]:
    """Draw on the loaded model, which is not cleaned up afterwards."""
    model = LdmModel.over(sd_models.reload_model_weights())
    _merge(model, TAG.findall(p.prompt))
    rows = torch.arange(2)
    with torch.no_grad():
        both = model.encode_prompts([TAG.sub("", p.prompt), p.negative_prompt])
        try:
            latents = sample(
                model,
                both.select(rows[:1]),
                both.select(rows[1:]),
                seeds=p.seed,
                width=p.width,
                height=p.height,
                steps=p.steps,
                guidance_scale=p.cfg_scale,
                origin=p.origin(model) if hasattr(p, "init_images") else None,
                on_step=_on_step,
            )
        except Stopped:
            latents = torch.zeros(len(p.seed), 4, p.height // 8, p.width // 8)
        return to_pixels(model.decode_latents(latents))


def _merge(model: LdmModel, tags: list[tuple[str, str]]) -> None:
    networks.load_networks([name for name, _ in tags], None, [float(weight) for _, weight in tags])
    by_weight = {
        layer.weight.data_ptr(): layer
        for layer in model.unet.modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    }
    for name, path in model.lora_targets("all").items():
        layer: Any = by_weight[model.denoiser.get_submodule(path).weight.data_ptr()]
        layer.network_layer_name = name
        networks.network_apply_weights(layer)


def _on_step(step: int, steps: int) -> None:
    shared.state.sampling_step, shared.state.sampling_steps = step, steps
    script_callbacks.cfg_denoiser_callback(script_callbacks.CFGDenoiserParams(step, steps))
    if shared.state.interrupted or shared.state.skipped:
        raise Stopped
