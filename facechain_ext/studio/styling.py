"""What a style has its say in: a portrait's prompt, its weights, a LoRA of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import Family
from facechain_ext.base.records import DEFAULT_LORA_WEIGHT, LoraFile
from facechain_ext.config import PortraitConfig
from facechain_ext.library.people import Manifest
from facechain_ext.lora.checkpoint import describe
from facechain_ext.lora.folder import lora_files
from facechain_ext.portrait.prompt import Prompt, compose
from facechain_ext.studio.lora_cards import why_unfit
from facechain_ext.styles import Style, find_style


def prompt_for(
    manifest: Manifest,
    styles: Mapping[str, Style],
    config: PortraitConfig,
    looking: str | None = None,
) -> Prompt:
    """Compose a person's prompt in the style that is asked for; looking: as `compose` has it."""
    style = find_style(styles, config.style)
    return compose(manifest.attributes, manifest.trigger_word, style, config, looking)


def settled(config: PortraitConfig, style: Style) -> PortraitConfig:
    """Fill in the weights that are left to the style, and keep to the most fusion it allows."""
    limit = 1.0 if style.fusion_strength is None else style.fusion_strength
    return replace(
        config,
        lora_weight=face_weight(config, style),
        style_lora_weight=style_weight(config, style) if style.style_lora else None,
        fusion_strength=min(config.fusion_strength, limit),
    )


def face_weight(config: PortraitConfig, style: Style) -> float:
    """Return the strength of the person's LoRA: as asked for, else what the style suggests."""
    suggested = DEFAULT_LORA_WEIGHT if style.lora_weight is None else style.lora_weight
    return suggested if config.lora_weight is None else config.lora_weight


def style_weight(config: PortraitConfig, style: Style) -> float:
    """Return the strength of the style's own LoRA."""
    asked = config.style_lora_weight
    return style.style_lora_weight if asked is None else asked


def find_style_lora(style: Style, lora_dir: Path, family: Family | None) -> LoraFile | None:
    """Find the style's own LoRA, in a subfolder too; None for a style without one.

    Raises InvalidInput where there should be one and is not, or is none for checkpoints of the
    family that draws.
    """
    if not style.style_lora:
        return None
    name = style.style_lora.removesuffix(".safetensors") + ".safetensors"
    found = next((path for path in lora_files(lora_dir) if path.name == name), None)
    if found is None:
        raise InvalidInput(
            f"The style {style.name!r} uses the LoRA {name}, which is not in {lora_dir}. "
            "Put it there, or choose another style."
        )
    if unfit := why_unfit(found, family, style.base_model):
        raise InvalidInput(f"The style {style.name!r} cannot be used: {unfit}")
    return describe(found)
