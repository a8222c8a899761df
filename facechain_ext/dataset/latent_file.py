"""Cached latents on disk, so that a training that goes on sees the very same ones."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from facechain_ext.base.errors import InvalidInput, damage
from facechain_ext.base.host import Conditioning
from facechain_ext.dataset.latents import LatentCache
from facechain_ext.imaging.files import write_atomic

COND = "cond/"
"""Before the names of the captions' tensors."""
TEXTS = "facechain.captions"


def save_latents(path: Path, cache: LatentCache) -> None:
    """Write a cache to one .safetensors file, at once or not at all."""
    named = {**vars(cache), **{COND + key: value for key, value in vars(cache.cond).items()}}
    tensors = {
        name: value.cpu().contiguous() for name, value in named.items() if isinstance(value, Tensor)
    }
    path.parent.mkdir(exist_ok=True)
    texts = cache.cond.texts
    metadata = None if texts is None else {TEXTS: json.dumps(texts)}
    write_atomic(path, safetensors.torch.save(tensors, metadata))


def load_latents(path: Path, device: torch.device) -> LatentCache:
    """Read a cache back, bit for bit; raises InvalidInput for a file that holds none."""
    tensors, texts = _read(path)
    placed = {name: tensor.to(device) for name, tensor in tensors.items()}
    cond = {name.removeprefix(COND): t for name, t in placed.items() if COND in name}
    own = {name: tensor for name, tensor in placed.items() if COND not in name}
    try:
        kept = None if texts is None else tuple(json.loads(texts))
        return LatentCache(**own, cond=Conditioning(**cond, texts=kept))
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"{path.name} holds no cached latents: {damage(error)}.") from error


def _read(path: Path) -> tuple[dict[str, Tensor], str | None]:
    """Return a file's tensors and captions; it may be gone before torch opens it once more."""
    try:
        with safe_open(str(path), framework="pt") as file:
            texts = (file.metadata() or {}).get(TEXTS)
            return {key: file.get_tensor(key).clone() for key in file.keys()}, texts  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError) as error:
        raise InvalidInput(f"{path.name} holds no cached latents: {damage(error)}.") from error
