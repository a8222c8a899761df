"""A DiffusionModel made of diffusers' UNet and autoencoder and transformers' CLIP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from facechain_ext.base.host import Conditioning, Family, PredictionType, TargetModules, TextTargets
from facechain_ext.diffusion.checkpoint import inspect
from facechain_ext.diffusion.control import Controls
from facechain_ext.diffusion.families import GUIDANCE_SCALE, LEARNING_RATE
from facechain_ext.diffusion.lora_names import TEXT_PREFIXES, all_layers, text_targets, unet_targets
from facechain_ext.diffusion.noise_schedule import load_alphas_cumprod
from facechain_ext.diffusion.parameterization import settle
from facechain_ext.diffusion.prompts import encode_text
from facechain_ext.diffusion.prompts_xl import OPEN_CLIP_PAD, encode_text_pair
from facechain_ext.diffusion.time_ids import added_conditioning
from facechain_ext.diffusion.weights import (
    check_numbers,
    load_text_encoder,
    load_text_encoder_2,
    load_tokenizer,
    load_unet,
    load_vae,
)

FULL_WIDTH = 320
"""Channels of the first block of every Stable Diffusion; anything narrower is a small model."""


@dataclass(frozen=True, eq=False)
class DiffusersModel:
    """A Stable Diffusion of any family; its modules are frozen and in evaluation mode.

    text_encoder_2: SDXL's second one; both read the tokenizer's ids.
    clip_skip: which of a text encoder's layers is asked, counted from the last, 1; SDXL's own: 2.
    alphas_cumprod: (1000,), float32, on the CPU.
    controls: ControlNets that lead what is predicted.
    """

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    alphas_cumprod: Tensor
    family: Family = "sd1"
    prediction_type: PredictionType = "epsilon"
    text_encoder_2: CLIPTextModelWithProjection | None = None
    clip_skip: int = 1
    controls: Controls | None = None

    @property
    def denoiser(self) -> nn.Module:
        unet: nn.Module = self.unet
        return unet

    @property
    def device(self) -> torch.device:
        return self._input_weight.device

    @property
    def idle_modules(self) -> Sequence[nn.Module]:
        """What predicting noise does not need."""
        return (self.vae, *self.text_encoders)

    @property
    def text_encoders(self) -> Sequence[nn.Module]:
        """One, or SDXL's two."""
        second = () if self.text_encoder_2 is None else (self.text_encoder_2,)
        return (self.text_encoder, *second)

    @property
    def resolution(self) -> int:
        """Native side length in pixels; a latent is 8 times smaller."""
        return int(self.unet.config.sample_size) * 8

    @property
    def is_small(self) -> bool:
        """Whether the UNet is narrower than Stable Diffusion's own, as the mini's is."""
        return int(self.unet.config.block_out_channels[0]) < FULL_WIDTH

    @property
    def default_guidance_scale(self) -> float:
        return 3.0 if self.is_small else GUIDANCE_SCALE[self.family]

    @property
    def suggested_target_modules(self) -> TargetModules:
        return "all" if self.is_small else "attention"

    @property
    def suggested_learning_rate(self) -> float:
        return 2e-3 if self.is_small else LEARNING_RATE[self.family]

    @torch.no_grad()
    def encode_images(self, pixels: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Encode (B, 3, H, W) in -1..1 to scaled latents, float32, one picture at a time."""

        def encode_one(picture: Tensor) -> Tensor:
            latents: Tensor = self.vae.encode(picture).latent_dist.sample(generator)
            return latents.float() * float(self.vae.config.scaling_factor)

        return _each(encode_one, pixels.to(self.device, self.vae.dtype))

    @torch.no_grad()
    def decode_latents(self, latents: Tensor) -> Tensor:
        """Decode to (B, 3, H, W) in -1..1, float32, one picture at a time."""

        def decode_one(one: Tensor) -> Tensor:
            picture: Tensor = self.vae.decode(one).sample
            return picture.float().clamp(-1, 1)

        scaled = latents / self.vae.config.scaling_factor
        return _each(decode_one, scaled.to(self.device, self.vae.dtype))

    @torch.no_grad()
    def encode_prompts(self, texts: Sequence[str]) -> Conditioning:
        """Encode prompts together, padded to the longest: (B, 77 * chunks, D)."""
        return self.encode_with_gradients(texts)

    def encode_with_gradients(self, texts: Sequence[str]) -> Conditioning:
        """Encode as `encode_prompts` does, so that gradients reach the text encoders."""
        if self.text_encoder_2 is not None:
            encoders = self.text_encoder, self.text_encoder_2
            skip = self.clip_skip
            return Conditioning(*encode_text_pair(texts, self.tokenizer, *encoders, skip=skip))
        pad, skip = OPEN_CLIP_PAD if self.family == "sd2" else None, self.clip_skip
        embeds = encode_text(texts, self.tokenizer, self.text_encoder, pad=pad, skip=skip)
        return Conditioning(embeds)

    def predict(self, noisy_latents: Tensor, timesteps: Tensor, cond: Conditioning) -> Tensor:
        """Run the UNet in its own precision; the answer has the input's dtype."""
        latents = noisy_latents.to(self._input_weight.dtype)
        context, added = cond.embeds_for(latents.dtype), added_conditioning(cond, latents)
        led = (
            {}
            if self.controls is None
            else self.controls.residuals(latents, timesteps, context, added)
        )
        prediction: Tensor = self.unet(
            latents, timesteps, context, added_cond_kwargs=added, return_dict=False, **led
        )[0]
        return prediction.to(noisy_latents.dtype)

    def lora_targets(self, kind: TargetModules) -> dict[str, str]:
        """Map kohya LoRA name to the module's dotted path inside the UNet."""
        return unet_targets(self.unet, kind, self.family)

    def lora_layers(self) -> dict[str, nn.Module]:
        """Map kohya LoRA name to every layer, text encoders included, that a LoRA may change."""
        return all_layers(self.unet, self.text_encoders, self.family)

    def text_targets(self) -> list[TextTargets]:
        """Name the attention layers of every text encoder, but those that nothing is read from."""
        prefixes, alone = TEXT_PREFIXES[self.family], self.text_encoder_2 is None
        left_out = self.clip_skip - 1 if alone else 0
        return [
            (encoder, text_targets(encoder, prefix, left_out=left_out))
            for prefix, encoder in zip(prefixes, self.text_encoders, strict=True)
        ]

    @property
    def _input_weight(self) -> Tensor:
        """A weight that no LoRA replaces, to ask for device and dtype."""
        weight: Tensor = self.unet.conv_in.weight
        return weight


def load_model(
    path: Path,
    *,
    device: torch.device | str,
    dtype: torch.dtype | None = None,
    clip_skip: int = 1,
) -> DiffusersModel:
    """Load a .safetensors file or diffusers folder, never asking the network.

    dtype: of UNet and text encoders; None for float16 on a GPU and float32 on the CPU. The
    autoencoder stays float32: in float16 some of them overflow to black pictures.
    Raises UnsupportedCheckpoint.
    """
    info = inspect(path)
    device = torch.device(device)
    dtype = dtype or (torch.float32 if device.type == "cpu" else torch.float16)
    second = load_text_encoder_2(info, dtype).to(device) if info.family == "sdxl" else None
    unet, vae = load_unet(info, dtype).to(device), load_vae(info, torch.float32).to(device)
    text_encoder = load_text_encoder(info, dtype).to(device)
    parts = {"unet": unet, "vae": vae, "text_encoder": text_encoder}
    check_numbers(path.name, parts if second is None else {**parts, "text_encoder_2": second})
    return DiffusersModel(
        unet=unet,
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=load_tokenizer(info),
        alphas_cumprod=load_alphas_cumprod(info),
        family=info.family,
        prediction_type=settle(info, unet),
        text_encoder_2=second,
        clip_skip=clip_skip,
    )


def _each(function: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    """Apply a function to one row after the other; memory is that of one."""
    return torch.cat([function(row) for row in torch.split(batch, 1)])
