"""Fill diffusers' and transformers' modules with a checkpoint's tensors, always offline.

Both layouts take one path: the module names the tensors it needs, and each is looked up in the
file under the names it may have there. What a checkpoint holds besides (EMA copies, schedules) is
never read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors import safe_open
from torch import Tensor, nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

from facechain_ext.base.errors import UnsupportedCheckpoint
from facechain_ext.diffusion.checkpoint import CheckpointInfo, read_config, weight_file
from facechain_ext.diffusion.families import LAYOUTS
from facechain_ext.diffusion.ldm_keys import text_to_ldm, unet_to_ldm, vae_to_ldm
from facechain_ext.diffusion.open_clip import from_open_clip, open_clip_name

CLIP_TOKENIZER = Path(__file__).resolve().parents[1] / "weights" / "clip_tokenizer"

# The autoencoder's attention in diffusers folders made before 2023.
OLD_VAE_ATTENTION = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}

Module = TypeVar("Module", bound=nn.Module)
Names = Mapping[str, tuple[str, ...]]
"""For each of a module's tensors, what it may be called in the file, best first."""


def load_unet(info: CheckpointInfo, dtype: torch.dtype) -> UNet2DConditionModel:
    """Build the UNet on the CPU."""
    config = read_config(info.components, "unet")
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(config)
    if info.layout == "ldm":
        return _fill(unet, info.path, _renamed(unet, unet_to_ldm(unet.state_dict(), config)), dtype)
    return _fill(unet, weight_file(info.path / "unet"), _as_is(unet), dtype)


def load_vae(info: CheckpointInfo, dtype: torch.dtype) -> AutoencoderKL:
    """Build the autoencoder on the CPU."""
    config = read_config(info.components, "vae")
    with torch.device("meta"):
        vae = AutoencoderKL.from_config(config)
    if info.layout == "ldm":
        return _fill(vae, info.path, _renamed(vae, vae_to_ldm(vae.state_dict(), config)), dtype)
    names = {name: (name, _old_attention(name)) for name in vae.state_dict()}
    return _fill(vae, weight_file(info.path / "vae"), names, dtype)


def load_text_encoder(info: CheckpointInfo, dtype: torch.dtype) -> CLIPTextModel:
    """Build the only or the first text encoder, CLIP's or OpenCLIP's, on the CPU."""
    return _load_text(CLIPTextModel, info, "text_encoder", LAYOUTS[info.family].text[0], dtype)


def load_text_encoder_2(info: CheckpointInfo, dtype: torch.dtype) -> CLIPTextModelWithProjection:
    """Build SDXL's second text encoder, OpenCLIP's with its projection, on the CPU."""
    prefix = LAYOUTS[info.family].text[1]
    return _load_text(CLIPTextModelWithProjection, info, "text_encoder_2", prefix, dtype)


def _load_text(
    kind: type[Module], info: CheckpointInfo, component: str, prefix: str, dtype: torch.dtype
) -> Module:
    config = CLIPTextConfig(**read_config(info.components, component))
    with torch.device("meta"):
        text_encoder = kind(config)
    _restore_positions(text_encoder)
    names = [name for name in text_encoder.state_dict() if "position_ids" not in name]
    if info.layout == "diffusers":
        path = weight_file(info.path / component)
        return _fill(text_encoder, path, {n: _spellings(n) for n in names}, dtype)
    if prefix.endswith(".model."):
        stacked: Names = {name: (prefix + open_clip_name(name),) for name in names}
        return _fill(text_encoder, info.path, stacked, dtype, cut=from_open_clip)
    ldm_names = text_to_ldm({name: name for name in names}, prefix)
    bare = {name: prefix + name.removeprefix("text_model.") for name in names}
    both: Names = {name: (ldm, bare[name]) for ldm, name in ldm_names.items()}
    return _fill(text_encoder, info.path, both, dtype)


def _restore_positions(text_encoder: nn.Module) -> None:
    """Count the positions anew: a buffer that no file holds, and that was made on no device."""
    for module in text_encoder.modules():
        positions = module._buffers.get("position_ids")
        if positions is not None:
            module.position_ids = torch.arange(positions.shape[-1]).expand(1, -1)


def _spellings(name: str) -> tuple[str, ...]:
    """Name a text encoder's tensor with and without the level that newer transformers drop."""
    bare = name.removeprefix("text_model.")
    return f"text_model.{bare}", bare


def load_tokenizer(info: CheckpointInfo) -> CLIPTokenizer:
    """Read the checkpoint's own tokenizer, or CLIP's where it brings none."""
    own = info.components / "tokenizer"
    folder = own if (own / "vocab.json").is_file() else CLIP_TOKENIZER
    return CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)


def _as_is(module: nn.Module) -> Names:
    return {name: (name,) for name in module.state_dict()}


def _renamed(module: nn.Module, ldm_state: Mapping[str, Any]) -> Names:
    """Pair a module's tensor names with their LDM names; a renaming keeps the order."""
    return {own: (ldm,) for own, ldm in zip(module.state_dict(), ldm_state, strict=True)}


def _old_attention(name: str) -> str:
    for new, old in OLD_VAE_ATTENTION.items():
        if f".attentions.0.{new}." in name:
            return name.replace(f".{new}.", f".{old}.")
    return name


def _whole(name: str, tensor: Tensor) -> Tensor:
    return tensor


def _fill(
    module: Module,
    path: Path,
    names: Names,
    dtype: torch.dtype,
    *,
    cut: Callable[[str, Tensor], Tensor] = _whole,
) -> Module:
    """Give the module its tensors; raises UnsupportedCheckpoint for missing or misshapen ones.

    cut: takes a module's tensor, by name, out of the file's.
    """
    shapes = {name: tensor.shape for name, tensor in module.state_dict().items()}
    state: dict[str, Tensor] = {}
    with safe_open(str(path), framework="pt") as file:
        present = set(file.keys())
        for own, options in names.items():
            found = next((option for option in options if option in present), None)
            if found is None:
                raise UnsupportedCheckpoint(f"{path.name} is incomplete: it lacks {options[0]}.")
            tensor = cut(own, file.get_tensor(found))
            if tensor.numel() != shapes[own].numel():
                raise UnsupportedCheckpoint(
                    f"{path.name}: {found} has shape {tuple(tensor.shape)}, "
                    f"expected {tuple(shapes[own])}."
                )
            # A copy, or the module would keep the file mapped and, on Windows, locked.
            state[own] = tensor.reshape(shapes[own]).to(dtype, copy=True)
    module.load_state_dict(state, strict=False, assign=True)
    return module.requires_grad_(False).eval()
