"""Which family of checkpoints a LoRA is for, by its layers, then by what its file says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from torch import Tensor

from facechain_ext.base.host import Family
from facechain_ext.lora.state import LoraState, Parts, parts_of

TITLES: dict[Family, str] = {
    "sd1": "Stable Diffusion 1.x",
    "sd2": "Stable Diffusion 2.x",
    "sdxl": "SDXL",
}
CONTEXT_LAYERS = ("attn2_to_k", "attn2_to_v")
CONTEXT_WIDTHS: dict[int, Family] = {768: "sd1", 1024: "sd2", 2048: "sdxl"}

_SDXL_ONLY = re.compile(r"lora_te2_|lora_unet_(add_embedding|label_emb)_")
_NOT_SDXL = re.compile(
    r"lora_te_|lora_unet_(input_blocks_[12]_1_|input_blocks_1[01]_|output_blocks_(9|1[01])_)"
    r"|lora_unet_(down_blocks_(0_attentions|3)_|up_blocks_3_)"
)
_SGM = re.compile(r"lora_unet_(input_blocks|middle_block|output_blocks)_")
"""LDM's names: sd-scripts writes them for SDXL alone, others for 1.x too."""

_OTHERS = (
    (re.compile(r"lora_unet_(double|single)_blocks_|(lora_)?transformer[._]single_"), "Flux"),
    (re.compile(r"lora_unet_joint_blocks_|lora_te3_"), "Stable Diffusion 3"),
    (re.compile(r"(lora_)?transformer[._]|lora_unet_blocks_|diffusion_model\."), ""),
    (re.compile(r"lora_prior_|lora_unet_(down|up)_blocks_\d_\d+_"), "Stable Cascade"),
)
TOLD: tuple[tuple[str, Family], ...] = (
    ("sdxl", "sdxl"),
    ("sd_v2", "sd2"),
    ("sd_v1", "sd1"),
    ("stable-diffusion-xl", "sdxl"),
    ("stable-diffusion-v2", "sd2"),
    ("stable-diffusion-v1", "sd1"),
)


def family_of_lora(state: Mapping[str, Tensor]) -> Family | None:
    """Tell by the width of the prompts that layers read, by names, or by the file's metadata.

    None where nothing says it, as with LoRAs for small checkpoints.
    """
    layers = parts_of(state)
    if (by_width := next(_by_context(layers), None)) is not None:
        return by_width
    if any(_SDXL_ONLY.match(name) for name in layers):
        return "sdxl"
    told = state.told if isinstance(state, LoraState) else None
    if any(_NOT_SDXL.match(name) for name in layers):
        return told if told != "sdxl" else None
    return told or ("sdxl" if any(_SGM.match(name) for name in layers) else None)


def told_family(metadata: Mapping[str, str]) -> Family | None:
    """Read the family from sd-scripts' or ModelSpec's metadata."""
    stated = (metadata.get("ss_base_model_version"), metadata.get("modelspec.architecture"))
    found = (family for text in stated for start, family in TOLD if text and text.startswith(start))
    return next(found, None)


def other_family(keys: Iterable[str], metadata: Mapping[str, str]) -> str | None:
    """Name a family that does not work here at all; None where the tensors' names show none."""
    for key in keys:
        for names, title in _OTHERS:
            if names.match(key):
                stated = metadata.get("modelspec.architecture", "").removesuffix("/lora")
                return title or stated or "a model that is no UNet (a diffusion transformer)"
    return None


def _by_context(layers: Mapping[str, Parts]) -> Iterator[Family]:
    for name, parts in layers.items():
        if name.endswith(CONTEXT_LAYERS):
            reads = (parts.get(part) for part in ("lora_down.weight", "hada_w1_b", "diff"))
            for factor in reads:
                if factor is not None and factor.ndim > 1 and factor.shape[1] in CONTEXT_WIDTHS:
                    yield CONTEXT_WIDTHS[factor.shape[1]]
