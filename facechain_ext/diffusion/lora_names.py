"""kohya's LoRA names for the modules of diffusers' UNet and transformers' CLIP text models.

sd-scripts trains Stable Diffusion 1.x and 2.x on diffusers' UNet and SDXL on sgm's, so the names
come from two layouts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from torch import nn

from facechain_ext.base.host import Family, TargetModules
from facechain_ext.diffusion.ldm_keys import UNET_PREFIX as LDM_PREFIX
from facechain_ext.diffusion.ldm_keys import unet_to_ldm

UNET_PREFIX = "lora_unet_"
TEXT_PREFIXES: dict[Family, tuple[str, ...]] = {
    "sd1": ("lora_te_",),
    "sd2": ("lora_te_",),
    "sdxl": ("lora_te1_", "lora_te2_"),
}

FIRST_OF_TWO = "lora_te1_"
CHANGEABLE = (nn.Linear, nn.Conv2d, nn.GroupNorm, nn.LayerNorm)

ATTENTION = r"\.attn[12]\.to_(q|k|v|out\.0)$"
REST = (
    r"\.ff\.net\.(0\.proj|2)$",
    r"\.proj_(in|out)$",
    r"\.resnets\.\d+\.(conv1|conv2|time_emb_proj)$",
)
TEXT_ATTENTION = re.compile(
    r"(?:^|\.)(encoder\.layers\.(?P<layer>\d+)\.self_attn\.(?:q|k|v|out)_proj)$"
)
TARGETS: dict[TargetModules, re.Pattern[str]] = {
    "attention": re.compile(ATTENTION),
    "all": re.compile("|".join((ATTENTION, *REST))),
}


def unet_targets(unet: Any, kind: TargetModules, family: Family = "sd1") -> dict[str, str]:
    """Map kohya name to module path: 128 for attention, 258 for all, in SD1's UNet.

    unet: a UNet2DConditionModel.
    """
    wanted = TARGETS[kind]
    return {name: path for name, path in _unet_names(unet, family).items() if wanted.search(path)}


def all_layers(
    unet: Any, text_encoders: Sequence[nn.Module], family: Family = "sd1"
) -> dict[str, nn.Module]:
    """Map kohya name to every layer, norms included, that a LoRA from elsewhere may change.

    Some programs name SDXL's layers as diffusers does, others those of 1.x as LDM does, and the
    only text encoder as the first of two: those names are there as well.
    """
    paths = [path for path, module in unet.named_modules() if isinstance(module, CHANGEABLE)]
    names = {_kohya(UNET_PREFIX, path): path for path in paths} | _ldm_names(unet, paths)
    layers: dict[str, nn.Module] = {name: unet.get_submodule(path) for name, path in names.items()}
    for prefix, encoder in zip(TEXT_PREFIXES[family], text_encoders, strict=True):
        for path, module in encoder.named_modules():
            if isinstance(module, CHANGEABLE):
                layers[_kohya(prefix, _text_path(path))] = module
                if len(text_encoders) == 1:
                    layers[_kohya(FIRST_OF_TWO, _text_path(path))] = module
    return layers


def text_targets(encoder: nn.Module, prefix: str, *, left_out: int = 0) -> dict[str, str]:
    """Map kohya name to module path of a CLIP text encoder's attention: 48 layers in SD1's.

    encoder: transformers' CLIP text model, or whatever holds one; {} where none is inside.
    left_out: how many of its last blocks nothing is read from.
    """
    found = ((TEXT_ATTENTION.search(path), path) for path, _ in encoder.named_modules())
    known = [(match, path) for match, path in found if match]
    blocks = 1 + max((int(match["layer"]) for match, _ in known), default=0)
    return {
        _kohya(prefix, f"text_model.{match[1]}"): path
        for match, path in known
        if int(match["layer"]) < blocks - left_out
    }


def _unet_names(unet: Any, family: Family) -> dict[str, str]:
    paths = [p for p, module in unet.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    if family != "sdxl":
        return {_kohya(UNET_PREFIX, path): path for path in paths}
    return _ldm_names(unet, paths)


def _ldm_names(unet: Any, paths: Sequence[str]) -> dict[str, str]:
    weights = unet_to_ldm({path + ".weight": path for path in paths}, unet.config)
    stems = {name[len(LDM_PREFIX) : -len(".weight")]: path for name, path in weights.items()}
    return {_kohya(UNET_PREFIX, stem): path for stem, path in stems.items()}


def _text_path(path: str) -> str:
    """Restore the level that newer transformers leave out; the projection stands beside it."""
    return path if path.startswith(("text_model.", "text_projection")) else f"text_model.{path}"


def _kohya(prefix: str, path: str) -> str:
    return prefix + path.replace(".", "_")
