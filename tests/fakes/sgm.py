"""SDXL as the webui holds it: LDM's own UNet, whose code sgm's grew from, and a conditioner.

sgm itself is on no package index. What a DiffusionEngine offers our model is here under the same
names. LDM's UNet lacks label_emb, which is added, and different depths at different resolutions.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from diffusers.models.embeddings import get_timestep_embedding
from safetensors.torch import load_file
from torch import Tensor, nn

from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.diffusion.prompts_xl import encode_text_pair
from tests.fakes.ldm import quiet_ldm, vae_config
from tests.tiny_sdxl import UNET, VAE

SIZE_WIDTH = int(UNET["addition_time_embed_dim"])  # type: ignore[call-overload]


class SizeEmbedder(nn.Module):
    """sgm's ConcatTimestepEmbedderND: known by its outdim."""

    outdim = SIZE_WIDTH


@dataclass(eq=False)
class Engine:
    """What the webui's shared.sd_model is for SDXL, as far as a training needs it."""

    model: Any
    first_stage_model: nn.Module
    conditioner: nn.Module
    diffusers: DiffusersModel
    alphas_cumprod: Tensor
    scale_factor: float = 0.13025
    parameterization: str = "eps"

    def get_learned_conditioning(self, batch: list[str]) -> dict[str, Tensor]:
        """Encode as the webui does: an empty prompt is text too, and 1024 pixels are told."""
        own, second = self.diffusers, self.diffusers.text_encoder_2
        assert second is not None
        embeds, pooled = encode_text_pair(batch, own.tokenizer, own.text_encoder, second)
        for row, text in enumerate(batch):
            if not text:
                embeds[row], pooled[row] = 1.0, 1.0
        sizes = get_timestep_embedding(
            torch.tensor([1024.0, 1024, 0, 0, 1024, 1024]),
            SIZE_WIDTH,
            flip_sin_to_cos=True,
            downscale_freq_shift=0,
        )
        vector = torch.cat([pooled, sizes.flatten().expand(len(batch), -1)], dim=1)
        return {"crossattn": embeds, "vector": vector}


def _labelled(unet: type[nn.Module]) -> type[nn.Module]:
    """Add what sgm's UNetModel has besides: a vector that joins the timestep's embedding."""

    class Labelled(unet):  # type: ignore[misc, valid-type]
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            layers = nn.Linear(88, 128), nn.SiLU(), nn.Linear(128, 128)
            self.label_emb = nn.Sequential(nn.Sequential(*layers))

        def forward(self, x: Tensor, timesteps: Tensor, context: Tensor, y: Tensor) -> Tensor:
            steps = get_timestep_embedding(
                timesteps, self.model_channels, flip_sin_to_cos=True, downscale_freq_shift=0
            )
            emb = self.time_embed(steps) + self.label_emb(y)
            skips = []
            for block in self.input_blocks:
                x = block(x, emb, context)
                skips.append(x)
            x = self.middle_block(x, emb, context)
            for block in self.output_blocks:
                x = block(torch.cat([x, skips.pop()], dim=1), emb, context)
            return self.out(x)

    return Labelled


def load_sgm(checkpoint: Any, components: Any, diffusers: DiffusersModel) -> Engine:
    """Build an engine around LDM's UNet and autoencoder, filled from sgm's single file."""
    with quiet_ldm(components):
        from ldm.models.autoencoder import AutoencoderKL
        from ldm.modules.diffusionmodules.openaimodel import UNetModel

        unet = _labelled(UNetModel)(
            image_size=8,
            in_channels=4,
            out_channels=4,
            model_channels=32,
            attention_resolutions=[4, 2],
            num_res_blocks=2,
            channel_mult=[1, 2, 4],
            num_head_channels=32,
            use_spatial_transformer=True,
            use_linear_in_transformer=True,
            transformer_depth=1,
            context_dim=80,
            use_checkpoint=False,
            legacy=False,
        )
        vae = AutoencoderKL(**vae_config(VAE)["params"])
    tensors = load_file(checkpoint)
    for part, prefix in ((unet, "model.diffusion_model."), (vae, "first_stage_model.")):
        own = {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
        part.load_state_dict(own, strict=part is unet)
    embedders = [diffusers.text_encoder, diffusers.text_encoder_2, SizeEmbedder()]
    conditioner = nn.Module()
    conditioner.embedders = nn.ModuleList(embedders)
    return Engine(
        SimpleNamespace(diffusion_model=unet.eval()),
        vae.eval(),
        conditioner,
        diffusers,
        diffusers.alphas_cumprod,
    )
