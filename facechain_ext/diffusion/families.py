"""Recognise the checkpoints that cannot be used, each with a sentence that says what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from facechain_ext.errors import UnsupportedCheckpoint

Shapes = Mapping[str, tuple[int, ...]]

UNET = "model.diffusion_model."
FIRST_CONV = UNET + "input_blocks.0.0.weight"
CONTEXT = UNET + "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
PROJECTION = UNET + "input_blocks.1.1.proj_in.weight"
VAE = "first_stage_model.decoder.conv_in.weight"
TEXT = "cond_stage_model.transformer."

Signature = Callable[[Shapes], bool]


def _has(*parts: str) -> Signature:
    return lambda shapes: any(part in key for part in parts for key in shapes)


def _lacks(prefix: str) -> Signature:
    return lambda shapes: not any(key.startswith(prefix) for key in shapes)


def _input_channels(count: int) -> Signature:
    return lambda shapes: FIRST_CONV in shapes and shapes[FIRST_CONV][1] == count


def _context_width(width: int) -> Signature:
    return lambda shapes: CONTEXT in shapes and shapes[CONTEXT][-1] == width


REFUSED: tuple[tuple[Signature, str], ...] = (
    (_has(".lora_down.", ".lora_up.", ".lora_A.", ".hada_w1_a"), "is a LoRA, not a checkpoint."),
    (_has("control_model.", "controlnet_cond_embedding"), "is a ControlNet, not a checkpoint."),
    (_has("joint_blocks."), "is a Stable Diffusion 3 checkpoint; only Stable Diffusion 1.x works."),
    (_has("double_blocks."), "is a Flux checkpoint; only Stable Diffusion 1.x works."),
    (
        _has(UNET + "label_emb.", "conditioner.embedders."),
        "is an SDXL checkpoint; only Stable Diffusion 1.x works.",
    ),
    (
        _has("cond_stage_model.model."),
        "is a Stable Diffusion 2 checkpoint; only Stable Diffusion 1.x works.",
    ),
    (
        _context_width(1024),
        "is a Stable Diffusion 2 checkpoint; only Stable Diffusion 1.x works.",
    ),
    (_input_channels(9), "is an inpainting checkpoint (9 input channels); use the plain one."),
    (_input_channels(8), "is an InstructPix2Pix checkpoint (8 input channels); use the plain one."),
    (
        lambda shapes: FIRST_CONV not in shapes or CONTEXT not in shapes,
        "is not a Stable Diffusion 1.x checkpoint: it holds no such UNet.",
    ),
    (
        lambda shapes: shapes[FIRST_CONV][1:] != (4, 3, 3) or len(shapes[PROJECTION]) != 4,
        "is not a Stable Diffusion 1.x checkpoint: its UNet has another form.",
    ),
    (lambda shapes: VAE not in shapes, "holds no autoencoder (VAE); use the full checkpoint."),
    (_lacks(TEXT), "holds no CLIP text encoder; use the full checkpoint."),
)
"""First match wins; the last rows rely on the rows before them."""


def refuse_ldm(name: str, shapes: Shapes) -> None:
    """Raise UnsupportedCheckpoint unless the tensors are those of a complete SD1.x file."""
    for matches, sentence in REFUSED:
        if matches(shapes):
            raise UnsupportedCheckpoint(f"{name} {sentence}")


def refuse_unet_config(name: str, config: Mapping[str, Any], *, second_encoder: bool) -> None:
    """Raise UnsupportedCheckpoint unless a diffusers UNet config is SD1.x in form."""
    if second_encoder or config.get("addition_embed_type") == "text_time":
        family = "an SDXL model"
    elif config.get("cross_attention_dim") == 1024 or config.get("use_linear_projection"):
        family = "a Stable Diffusion 2 model"
    elif config.get("in_channels") != 4:
        family = f"an inpainting or editing model ({config.get('in_channels')} input channels)"
    elif config.get("_class_name", "UNet2DConditionModel") != "UNet2DConditionModel":
        family = f"a {config['_class_name']}"
    else:
        return
    raise UnsupportedCheckpoint(f"{name} is {family}; only plain Stable Diffusion 1.x works.")
