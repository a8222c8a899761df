"""Cached latents on disk, so that a training that goes on sees the very same ones."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from facechain_ext.dataset.latents import LatentCache
from facechain_ext.errors import InvalidInput
from facechain_ext.host import Conditioning
from facechain_ext.imaging.files import write_atomic

OWN = ("latents", "loss_weights", "photo_index", "caption_index")
SIZES = "add_time_ids"
COND = ("prompt_embeds", "pooled_prompt_embeds", "add_time_ids")


def save_latents(path: Path, cache: LatentCache) -> None:
    """Write a cache to one .safetensors file, at once or not at all."""
    named = [(name, getattr(cache, name)) for name in (*OWN, SIZES)]
    named += [(f"cond/{name}", getattr(cache.cond, name)) for name in COND]
    tensors = {name: tensor.cpu().contiguous() for name, tensor in named if tensor is not None}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, safetensors.torch.save(tensors))


def load_latents(path: Path, device: torch.device) -> LatentCache:
    """Read a cache back, bit for bit; raises InvalidInput for a file that holds none."""
    try:
        with safe_open(str(path), framework="pt") as file:
            tensors: dict[str, Tensor] = {
                name: file.get_tensor(name).to(device, copy=True)
                for name in file.keys()  # noqa: SIM118
            }
        cond = Conditioning(
            tensors["cond/prompt_embeds"],
            tensors.get("cond/pooled_prompt_embeds"),
            tensors.get("cond/add_time_ids"),
        )
        own = {name: tensors[name] for name in OWN}
        return LatentCache(**own, cond=cond, add_time_ids=tensors.get(SIZES))
    except (SafetensorError, OSError, KeyError) as error:
        raise InvalidInput(f"{path.name} holds no cached latents: {error!r}.") from error
