"""Which family of checkpoints a LoRA is for, by its layers alone."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from facechain_ext.base.host import Family
from facechain_ext.lora.state import DOWN, layer_names

TITLES: dict[Family, str] = {
    "sd1": "Stable Diffusion 1.x",
    "sd2": "Stable Diffusion 2.x",
    "sdxl": "SDXL",
}
SDXL_ONLY = (
    "lora_te1_",
    "lora_te2_",
    "lora_unet_input_blocks_",
    "lora_unet_middle_block_",
    "lora_unet_output_blocks_",
)
CONTEXT_LAYERS = ("attn2_to_k", "attn2_to_v")
CONTEXT_WIDTHS: dict[int, Family] = {768: "sd1", 1024: "sd2", 2048: "sdxl"}


def family_of_lora(state: Mapping[str, Tensor]) -> Family | None:
    """Tell by names that only SDXL has, else by the width of the prompts that layers read.

    None where neither says it, as with LoRAs for small checkpoints.
    """
    names = layer_names(state)
    if any(name.startswith(SDXL_ONLY) for name in names):
        return "sdxl"
    readers = (name for name in names if name.endswith(CONTEXT_LAYERS))
    widths = (state[name + DOWN].shape[1] for name in readers)
    return next((CONTEXT_WIDTHS[width] for width in widths if width in CONTEXT_WIDTHS), None)
