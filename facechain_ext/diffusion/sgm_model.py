"""A DiffusionModel over sgm's objects: SDXL as the webui loads it, a DiffusionEngine.

Nothing is copied: the modules are used where they are, as in ldm_model.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from facechain_ext.base.errors import InvalidInput, UnsupportedCheckpoint
from facechain_ext.base.host import Conditioning, PredictionType, TargetModules, TextTargets
from facechain_ext.diffusion.ldm_model import LdmModel, trained_alphas
from facechain_ext.diffusion.ldm_unet import described, mirrored
from facechain_ext.diffusion.lora_names import UNET_PREFIX
from facechain_ext.diffusion.time_ids import LATENT_FACTOR, TIME_IDS

SDXL_RESOLUTION = 1024
_KINDS: dict[str, PredictionType] = {"eps": "epsilon", "v": "v_prediction"}


@dataclass(frozen=True, eq=False, kw_only=True)
class SgmModel(LdmModel):
    """An SDXL base made of sgm's classes; text_encoder is its conditioner, with both encoders.

    encode_text: from prompts to {"crossattn": (B, T, D), "vector": (B, P + 6 * size_width)}.
    size_width: of the embedding of each of the six sizes and crops.
    """

    size_width: int

    @classmethod
    def over(cls, engine: Any, *, parked: bool = False) -> SgmModel:
        """Take the parts of a DiffusionEngine; raises UnsupportedCheckpoint, saying what it is."""
        unet = engine.model.diffusion_model
        _refuse_others(unet, engine.conditioner)
        size_width = _size_width(engine.conditioner)
        config = described(
            unet, sample_size=SDXL_RESOLUTION // LATENT_FACTOR, size_width=size_width
        )
        return cls(
            unet=unet,
            denoiser=mirrored(unet, config),
            vae=engine.first_stage_model,
            text_encoder=engine.conditioner,
            encode_text=engine.get_learned_conditioning,
            scale_factor=float(engine.scale_factor),
            resolution=SDXL_RESOLUTION,
            alphas_cumprod=trained_alphas(engine),
            family="sdxl",
            prediction_type=_KINDS[engine.parameterization],
            parked=parked,
            size_width=size_width,
        )

    @torch.no_grad()
    def encode_prompts(self, texts: Sequence[str]) -> Conditioning:
        """Encode prompts as the model's owner does; an empty one is zeros, as SDXL was trained."""
        with self._at_work(self.text_encoder), self._precision():
            made: Any = self.encode_text(list(texts))
        pooled = made["vector"][:, : -TIME_IDS * self.size_width]
        with torch.inference_mode(False):  # what is made in inference mode cannot be trained with
            written = torch.tensor([bool(text.strip()) for text in texts], device=self.device)
            own = [part.detach().to(self.device).clone() for part in (made["crossattn"], pooled)]
            return Conditioning(own[0] * written[:, None, None], own[1] * written[:, None])

    def lora_targets(self, kind: TargetModules) -> dict[str, str]:
        """Map kohya LoRA name to the module's dotted path inside the denoiser, in sgm's order.

        By that order the optimizer's state is numbered in what was begun by earlier versions.
        """
        named = super().lora_targets(kind)
        ordered = (UNET_PREFIX + p.replace(".", "_") for p, _ in self.unet.named_modules())
        return {name: named[name] for name in ordered if name in named}

    def text_targets(self) -> list[TextTargets]:
        """Refuse: the webui's SDXL gives its prompts no gradients that could be relied on."""
        raise InvalidInput(
            "The text encoders of SDXL cannot be trained in this webui. "
            'Turn "Train the text encoder" off.'
        )

    def _encode_moments(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation: sgm's own encode has drawn from them already."""
        moments = self.vae.quant_conv(self.vae.encoder(picture))  # type: ignore[operator]
        mean, log_variance = moments.chunk(2, dim=1)
        return mean, (0.5 * log_variance.clamp(-30, 20)).exp()


def in_place(model: Any, *, parked: bool = False) -> LdmModel:
    """Take the parts of whatever the webui has loaded; raises UnsupportedCheckpoint."""
    kind = SgmModel if hasattr(model, "conditioner") else LdmModel
    return kind.over(model, parked=parked)


def with_resolution(model: SgmModel, resolution: int) -> SgmModel:
    """Say another native size, for models smaller than SDXL."""
    return replace(model, resolution=resolution)


def _size_width(conditioner: Any) -> int:
    return next(int(each.outdim) for each in conditioner.embedders if hasattr(each, "outdim"))


def _refuse_others(unet: nn.Module, conditioner: Any) -> None:
    first: Any = unet.get_submodule("input_blocks.0.0")
    channels = first.weight.shape[1]
    if channels != 4:
        raise UnsupportedCheckpoint(
            f"The loaded checkpoint is an inpainting or editing model ({channels} input channels); "
            "choose the plain one."
        )
    readers = [each for each in conditioner.embedders if not hasattr(each, "outdim")]
    if len(readers) != 2:
        raise UnsupportedCheckpoint(
            "The loaded checkpoint is the SDXL refiner, or another model of sgm's; choose an SDXL "
            "base checkpoint."
        )
