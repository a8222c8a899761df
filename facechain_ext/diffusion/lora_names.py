"""kohya's LoRA names for the modules of diffusers' UNet and transformers' CLIP text model."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torch import nn

from facechain_ext.config import TargetModules

UNET_PREFIX = "lora_unet_"
TEXT_PREFIX = "lora_te_text_model_"

ATTENTION = r"\.attn[12]\.to_(q|k|v|out\.0)$"
REST = (
    r"\.ff\.net\.(0\.proj|2)$",
    r"\.proj_(in|out)$",
    r"\.resnets\.\d+\.(conv1|conv2|time_emb_proj)$",
)
TARGETS: dict[TargetModules, re.Pattern[str]] = {
    "attention": re.compile(ATTENTION),
    "all": re.compile("|".join((ATTENTION, *REST))),
}


def unet_targets(unet: nn.Module, kind: TargetModules) -> dict[str, str]:
    """Map kohya name to module path: 128 for attention, 258 for all, in SD1's UNet."""
    wanted = TARGETS[kind]
    return {name: path for name, path in _unet_layers(unet) if wanted.search(path)}


def all_layers(unet: nn.Module, text_encoder: nn.Module) -> dict[str, nn.Module]:
    """Map kohya name to every layer that a LoRA from elsewhere may change."""
    layers = {name: unet.get_submodule(path) for name, path in _unet_layers(unet)}
    for path, module in text_encoder.named_modules():
        if isinstance(module, nn.Linear):
            layers[_kohya(TEXT_PREFIX, path.removeprefix("text_model."))] = module
    return layers


def _unet_layers(unet: nn.Module) -> Iterator[tuple[str, str]]:
    for path, module in unet.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            yield _kohya(UNET_PREFIX, path), path


def _kohya(prefix: str, path: str) -> str:
    return prefix + path.replace(".", "_")
