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

COND = "cond/"
"""Before the names of the captions' tensors."""


def save_latents(path: Path, cache: LatentCache) -> None:
    """Write a cache to one .safetensors file, at once or not at all."""
    named = {**vars(cache), **{COND + key: value for key, value in vars(cache.cond).items()}}
    tensors = {
        name: value.cpu().contiguous() for name, value in named.items() if isinstance(value, Tensor)
    }
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
        cond = {name.removeprefix(COND): t for name, t in tensors.items() if COND in name}
        own = {name: tensor for name, tensor in tensors.items() if COND not in name}
        return LatentCache(**own, cond=Conditioning(**cond))
    except (SafetensorError, OSError, TypeError) as error:
        raise InvalidInput(f"{path.name} holds no cached latents: {error!r}.") from error
