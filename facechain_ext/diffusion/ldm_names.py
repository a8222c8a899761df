"""Diffusers' names for the layers of LDM's UNet, and from them kohya's LoRA names.

The inverse of `ldm_keys`, read off the modules of `ldm.modules.diffusionmodules.openaimodel`.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from facechain_ext.base.host import TargetModules
from facechain_ext.diffusion.lora_names import TARGETS, UNET_PREFIX

_HEAD = {
    "input_blocks.0.0": "conv_in",
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "out.2": "conv_out",
}
_MIDDLE = {"0": "resnets.0", "1": "attentions.0", "2": "resnets.1"}
_RESNET = {
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}

# Diffusers' modules in the order in which its UNet lists them; a parameter's place in the
# optimizer follows from it, and should not depend on the classes that are trained.
_ORDER = (
    *("conv_in", "time_embedding", "linear_1", "linear_2"),
    *("down_blocks", "up_blocks", "mid_block", "conv_out"),
    *("attentions", "resnets", "downsamplers", "upsamplers", "conv"),
    *("proj_in", "transformer_blocks", "attn1", "attn2", "ff", "proj_out"),
    *("to_q", "to_k", "to_v", "to_out", "net", "proj"),
    *("conv1", "time_emb_proj", "conv2", "conv_shortcut"),
)
_RANK = {name: place for place, name in enumerate(_ORDER)}


def ldm_targets(unet: nn.Module, kind: TargetModules, *, layers_per_block: int) -> dict[str, str]:
    """Map kohya name to module path, in the order of `lora_names.unet_targets`.

    unet: an LDM UNetModel. layers_per_block: its num_res_blocks, the same at every resolution.
    """
    wanted, paths = TARGETS[kind], dict(_named_layers(unet, layers_per_block))
    chosen = sorted((path for path in paths if wanted.search(path)), key=_place)
    return {UNET_PREFIX + path.replace(".", "_"): paths[path] for path in chosen}


def diffusers_path(path: str, *, layers_per_block: int) -> str:
    """Translate the path of one of the UNet's Linear or Conv2d layers.

    Raises KeyError, quoting the path, for a layer that SD1's block layout does not have.
    """
    if path in _HEAD:
        return _HEAD[path]
    stage, _, rest = path.partition(".")
    if stage == "middle_block":
        part, _, inner = rest.partition(".")
        return f"mid_block.{_MIDDLE[part]}.{_RESNET.get(inner, inner)}"
    if stage not in ("input_blocks", "output_blocks"):
        raise KeyError(f"{path!r} has no place in the Stable Diffusion 1.x layout")
    number, slot, inner = rest.split(".", 2)
    if stage == "input_blocks":
        return _down(int(number) - 1, slot, inner, layers_per_block)
    return _up(int(number), slot, inner, layers_per_block)


def _down(number: int, slot: str, inner: str, layers: int) -> str:
    block, layer = divmod(number, layers + 1)
    if layer == layers:
        return f"down_blocks.{block}.downsamplers.0.conv"
    return f"down_blocks.{block}.{_sublayer(layer, slot, inner)}"


def _up(number: int, slot: str, inner: str, layers: int) -> str:
    block, layer = divmod(number, layers + 1)
    if inner == "conv":
        return f"up_blocks.{block}.upsamplers.0.conv"
    return f"up_blocks.{block}.{_sublayer(layer, slot, inner)}"


def _sublayer(layer: int, slot: str, inner: str) -> str:
    kind = "resnets" if slot == "0" else "attentions"
    return f"{kind}.{layer}.{_RESNET.get(inner, inner)}"


def _named_layers(unet: nn.Module, layers_per_block: int) -> Iterator[tuple[str, str]]:
    """Yield (diffusers' path, own path) of every layer."""
    for path, module in unet.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            yield diffusers_path(path, layers_per_block=layers_per_block), path


def _place(path: str) -> list[int]:
    return [int(part) if part.isdigit() else _RANK[part] for part in path.split(".")]
