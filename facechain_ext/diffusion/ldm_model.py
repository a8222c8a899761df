"""A DiffusionModel over LDM's objects: the UNet, autoencoder and text encoder of a LatentDiffusion.

What the webui draws with. Nothing is copied: autoencoder and text encoder are used where they are,
and the UNet's tensors through a mirror of it (ldm_unet.py), which is what trains and samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import Conditioning, Family, PredictionType, TargetModules, TextTargets
from facechain_ext.diffusion.families import GUIDANCE_SCALE, LEARNING_RATE
from facechain_ext.diffusion.ldm_family import describe_ldm
from facechain_ext.diffusion.ldm_unet import described, mirrored, tie
from facechain_ext.diffusion.lora_names import TEXT_PREFIXES, text_targets, unet_targets
from facechain_ext.diffusion.time_ids import LATENT_FACTOR, added_conditioning

SD1_WIDTH = 320
"""Channels of the first block of Stable Diffusion 1.x; anything narrower is a small model."""

EncodeText = Callable[[list[str]], Tensor]


@dataclass(frozen=True, eq=False, kw_only=True)
class LdmModel:
    """A Stable Diffusion 1.x or 2.x model made of LDM's classes.

    unet: the owner's. denoiser: diffusers' modules over its tensors.
    encode_text: from prompts to their embeddings (B, T, D). resolution: in pixels.
    alphas_cumprod: (1000,), float32, on the CPU.
    parked: whether autoencoder and text encoder wait on the CPU and come to the UNet's device only
        while they are used.
    swapped: whether the webui moves parts on and off the device whenever one of them is called.
    """

    unet: nn.Module
    denoiser: UNet2DConditionModel
    vae: nn.Module
    text_encoder: nn.Module
    encode_text: EncodeText
    scale_factor: float
    resolution: int
    alphas_cumprod: Tensor
    family: Family
    prediction_type: PredictionType
    parked: bool = False
    swapped: bool = False

    @classmethod
    def over(cls, latent_diffusion: Any, *, parked: bool = False) -> LdmModel:
        """Take the parts of a LatentDiffusion; raises UnsupportedCheckpoint, saying what it is."""
        kind, unet = describe_ldm(latent_diffusion), latent_diffusion.model.diffusion_model
        return cls(
            unet=unet,
            denoiser=mirrored(unet, described(unet, sample_size=kind.resolution // LATENT_FACTOR)),
            vae=latent_diffusion.first_stage_model,
            text_encoder=latent_diffusion.cond_stage_model,
            encode_text=latent_diffusion.get_learned_conditioning,
            scale_factor=float(latent_diffusion.scale_factor),
            resolution=kind.resolution,
            alphas_cumprod=trained_alphas(latent_diffusion),
            family=kind.family,
            prediction_type=kind.prediction_type,
            parked=parked,
            swapped=bool(getattr(latent_diffusion, "lowvram", False)),
        )

    def tie(self) -> None:
        """Take over the UNet's tensors as they are now: moving it has made others of them."""
        tie(self.denoiser, self.unet)

    def let_go(self) -> None:
        """Hold none of the UNet's tensors any longer, so that whoever moves it frees them."""
        nn.Module.to(self.denoiser, "meta")

    @property
    def device(self) -> torch.device:
        return self._input_weight.device

    @property
    def is_small(self) -> bool:
        """Whether the UNet is narrower than Stable Diffusion's own, as the mini's is."""
        return len(self._input_weight) < SD1_WIDTH

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
            mean, deviation = self._encode_moments(picture)
            noise = torch.randn(mean.shape, generator=generator)
            return (mean + deviation * noise.to(mean)) * self.scale_factor

        with self._at_work(self.vae, torch.float32):
            return _each(encode_one, pixels.to(self.device, torch.float32))

    def _encode_moments(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation of a picture's latents."""
        # The class's own method, here and below: --medvram's on the instance moves the UNet away.
        autoencoder: Any = type(self.vae)
        posterior = autoencoder.encode(self.vae, picture)
        return posterior.mean, posterior.std

    @torch.no_grad()
    def decode_latents(self, latents: Tensor) -> Tensor:
        """Decode to (B, 3, H, W) in -1..1, float32, one picture at a time."""
        autoencoder: Any = type(self.vae)

        def decode_one(one: Tensor) -> Tensor:
            picture: Tensor = autoencoder.decode(self.vae, one)
            return picture.clamp(-1, 1)

        with self._at_work(self.vae, torch.float32):
            return _each(decode_one, latents.to(self.device, torch.float32) / self.scale_factor)

    @torch.no_grad()
    def encode_prompts(self, texts: Sequence[str]) -> Conditioning:
        """Encode prompts as the model's owner does, emphasis and long prompts included."""
        with self._at_work(self.text_encoder), self._precision():
            embeds = self.encode_text(list(texts))
        with torch.inference_mode(False):  # what is made in inference mode cannot be trained with
            return Conditioning(embeds.detach().to(self.device).clone())

    def encode_with_gradients(self, texts: Sequence[str]) -> Conditioning:
        """Encode as `encode_prompts` does; the text encoder must be on the UNet's device."""
        with self._precision():
            return Conditioning(self.encode_text(list(texts)))

    def predict(self, noisy_latents: Tensor, timesteps: Tensor, cond: Conditioning) -> Tensor:
        """Run the UNet in its own precision; the answer has the input's dtype."""
        latents = noisy_latents.to(self.denoiser.conv_in.weight.dtype)
        prediction: Tensor = self.denoiser(
            latents,
            timesteps,
            cond.embeds_for(latents.dtype),
            added_cond_kwargs=added_conditioning(cond, latents),
            return_dict=False,
        )[0]
        return prediction.to(noisy_latents.dtype)

    def lora_targets(self, kind: TargetModules) -> dict[str, str]:
        """Map kohya LoRA name to the module's dotted path inside the denoiser."""
        return unet_targets(self.denoiser, kind, self.family)

    def text_targets(self) -> list[TextTargets]:
        """Name the attention layers of CLIP's text encoder; raises InvalidInput without one."""
        if self.swapped:
            raise InvalidInput(
                "With --medvram the webui takes the text encoder off the graphics card in the "
                'middle of a step, so that it cannot be trained. Turn "Train the text encoder" '
                "off, or start the webui without --medvram."
            )
        targets = text_targets(self.text_encoder, *TEXT_PREFIXES[self.family])
        if not targets:
            raise InvalidInput(
                "The text encoder of the loaded checkpoint is not CLIP's, the only one that can "
                'be trained in the webui. Turn "Train the text encoder" off.'
            )
        return [(self.text_encoder, targets)]

    @property
    def _input_weight(self) -> Tensor:
        """A weight that no LoRA replaces, to ask for device and dtype."""
        weight = self.unet.get_submodule("input_blocks.0.0").weight
        assert isinstance(weight, Tensor)
        return weight

    def _precision(self) -> AbstractContextManager[object]:
        """LDM computes times and norms in float32: in half precision it relies on autocast."""
        device, dtype = self.device.type, self._input_weight.dtype
        if dtype not in (torch.float16, torch.bfloat16) or _autocasts(device):
            return nullcontext()
        return torch.autocast(device, dtype)

    @contextmanager
    def _at_work(self, module: nn.Module, dtype: torch.dtype | None = None) -> Iterator[None]:
        """Have a module on the UNet's device, in a precision if one is named, and put it back.

        Back is exact where all of it has one precision, as the autoencoder has; in float16 some
        of those overflow to black pictures.
        """
        weight = next(module.parameters())
        home, own = weight.device, None if dtype is None else weight.dtype
        module.to(self.device, dtype)
        try:
            yield
        finally:
            module.to(home, own)


def trained_alphas(model: Any) -> Tensor:
    """Copy the noise schedule, (1000,), that a model of the webui's was trained with.

    The webui keeps it aside where it draws with another.
    """
    kept = getattr(model, "alphas_cumprod_original", None)
    alphas: Tensor = model.alphas_cumprod if kept is None else kept
    return alphas.detach().to("cpu", torch.float32, copy=True)


def _autocasts(device: str) -> bool:
    """Tell whether autocast is on; torch 2.4 has one question for every kind of device."""
    ask: Any = torch.is_autocast_enabled
    if hasattr(torch, "get_autocast_dtype"):
        return bool(ask(device))
    return bool(ask() if device == "cuda" else torch.is_autocast_cpu_enabled())


def _each(function: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    """Apply a function to one row after the other; memory is that of one."""
    return torch.cat([function(row) for row in torch.split(batch, 1)])
