"""Tell what a loaded LatentDiffusion is, from its modules alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from facechain_ext.base.errors import UnsupportedCheckpoint
from facechain_ext.base.host import Family, PredictionType

SD2_CONTEXT = 1024
SD2_V_RESOLUTION = 768
"""Of Stable Diffusion 2's v-prediction checkpoints; their LDM config says 512."""

_CROSS_ATTENTION = "input_blocks.1.1.transformer_blocks.0.attn2.to_k"


@dataclass(frozen=True)
class LdmKind:
    """What a model is; resolution in pixels."""

    family: Family
    prediction_type: PredictionType
    resolution: int


def describe_ldm(model: Any) -> LdmKind:
    """Classify a model; raises UnsupportedCheckpoint for all but plain Stable Diffusion 1 and 2."""
    if hasattr(model, "conditioner"):
        raise UnsupportedCheckpoint(
            "The loaded checkpoint is SDXL; a loaded model can be trained in place only when it is "
            "Stable Diffusion 1.x or 2.x. Choose one of those."
        )
    unet = getattr(getattr(model, "model", None), "diffusion_model", None)
    if not isinstance(unet, nn.Module) or not hasattr(unet, "input_blocks"):
        raise UnsupportedCheckpoint(
            "The loaded checkpoint is neither Stable Diffusion 1.x nor 2.x. Choose one of those."
        )
    _refuse_editing(unet)
    family: Family = "sd2" if _context_width(unet) == SD2_CONTEXT else "sd1"
    prediction_type = _prediction_type(model)
    resolution = int(model.image_size) * 8
    if family == "sd2" and prediction_type == "v_prediction":
        resolution = SD2_V_RESOLUTION
    return LdmKind(family, prediction_type, resolution)


def _refuse_editing(unet: nn.Module) -> None:
    channels = _weight(unet, "input_blocks.0.0").shape[1]
    if channels != 4:
        raise UnsupportedCheckpoint(
            f"The loaded checkpoint is an inpainting or editing model ({channels} input channels); "
            "choose the plain one."
        )
    if getattr(unet, "num_classes", None) is not None:
        raise UnsupportedCheckpoint(
            "The loaded checkpoint is an unCLIP model, which is drawn from pictures; choose a "
            "plain one."
        )


def _context_width(unet: nn.Module) -> int:
    try:
        return _weight(unet, _CROSS_ATTENTION).shape[1]
    except AttributeError as error:
        raise UnsupportedCheckpoint(
            "The loaded checkpoint's UNet has another form than Stable Diffusion 1.x and 2.x."
        ) from error


def _weight(unet: nn.Module, path: str) -> Tensor:
    weight = unet.get_submodule(path).weight
    assert isinstance(weight, Tensor)
    return weight


def _prediction_type(model: Any) -> PredictionType:
    known: dict[str, PredictionType] = {"eps": "epsilon", "v": "v_prediction"}
    if model.parameterization not in known:
        raise UnsupportedCheckpoint(
            f"The loaded checkpoint predicts {model.parameterization!r}, not noise or v."
        )
    return known[model.parameterization]
