"""LoRA files: kohya's tensors and metadata in .safetensors, and the webui's sidecars beside them.

Tensors are stored as float32 unless asked otherwise. Half precision halves some ten megabytes, but
it moves the UNet's output by more than 1e-4 (1.3e-4 after 40 steps on the mini, eight times that as
bfloat16), and the file is no longer exactly the snapshot whose likeness was measured.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import LoraFile, Pixels
from facechain_ext.imaging.files import encode_png, write_atomic
from facechain_ext.lora.family import other_family, told_family
from facechain_ext.lora.foreign_names import with_kohyas_names
from facechain_ext.lora.kinds import check_state
from facechain_ext.lora.state import LoraState, average

__all__ = ["average", "describe", "read_lora", "save_lora", "write_sidecars"]

SD_VERSIONS = {"sd_v1": "SD1", "sd_v2": "SD2", "sdxl": "SDXL"}


def save_lora(
    path: Path,
    state: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    *,
    precision: Literal["float32", "float16"] = "float32",
) -> LoraFile:
    """Write a LoRA at once or not at all; adds the hashes that the webui and ModelSpec look for."""
    dtype = torch.float16 if precision == "float16" else torch.float32
    tensors = {k: tensor.detach().to("cpu", dtype).contiguous() for k, tensor in state.items()}
    metadata = {**metadata, **_hashes(tensors, metadata)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, safetensors.torch.save(tensors, metadata))
    return _lora_file(path, metadata)


def read_lora(path: Path) -> tuple[LoraState, dict[str, str]]:
    """Read tensors, under kohya's names, and metadata.

    Raises InvalidInput for a file that is no LoRA, is damaged, is for a family that does not work
    here, or holds a part that could not be applied.
    """
    metadata = read_metadata(path)
    tensors = _read_tensors(path)
    if (other := other_family(tensors, metadata)) is not None:
        raise InvalidInput(f"{path.name} is a LoRA for {other}, which does not work here.")
    named = with_kohyas_names(tensors, metadata, name=path.name)
    state = LoraState(named, name=path.name, told=told_family(metadata))
    check_state(state)
    return state, metadata


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(str(path), framework="pt") as file:
            return {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError) as error:
        raise InvalidInput(f"{path.name} is damaged: {error}") from error


def read_metadata(path: Path) -> dict[str, str]:
    """Read a file's metadata alone; raises InvalidInput when it is no .safetensors file."""
    try:
        # Not load_file: Forge replaces it by one that renames a file it cannot read.
        with safe_open(str(path), framework="pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError, RuntimeError) as error:
        if not path.is_file():  # any longer, maybe: torch opens it a second time
            raise InvalidInput(f"There is no LoRA at {path}.") from error
        raise InvalidInput(f"{path.name} is not a valid .safetensors file: {error}") from error


def describe(path: Path) -> LoraFile:
    """Return what prompts need to know of a LoRA on disk.

    Its sha256 covers the tensors alone: the hash that the webui writes into infotexts.
    """
    return _lora_file(path, read_metadata(path))


def write_sidecars(lora: LoraFile, *, notes: str = "", preview: Pixels | None = None) -> None:
    """Write `<name>.json` and `<name>.preview.png`, which the webui shows on the LoRA's card."""
    card = {
        "description": notes,
        "sd version": _sd_version(lora.path),
        "activation text": lora.trigger_word,
        "preferred weight": lora.weight,
        "negative text": "",
        "notes": notes,
    }
    text = json.dumps(card, ensure_ascii=False, indent=2) + "\n"
    write_atomic(lora.path.with_suffix(".json"), text.encode())
    if preview is not None:
        write_atomic(lora.path.with_suffix(".preview.png"), encode_png(preview))


def _sd_version(path: Path) -> str:
    """Name the family as the webui's cards do, by the metadata that it would go by too."""
    version = read_metadata(path).get("ss_base_model_version", "")
    found = (name for start, name in SD_VERSIONS.items() if version.startswith(start))
    return next(found, "Unknown")


def _lora_file(path: Path, metadata: Mapping[str, str]) -> LoraFile:
    return LoraFile(
        path,
        trigger_word=metadata.get("facechain.trigger_word", ""),
        sha256=metadata.get("sshs_model_hash") or _body_hash(path.read_bytes()),
        weight=_weight(path, metadata.get("facechain.weight", "1")),
    )


def _weight(path: Path, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not math.isfinite(weight):
        raise InvalidInput(f"{path.name} is damaged: it gives {text!r} for its weight.")
    return weight


def _hashes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, str]:
    """Hash as sd-scripts does (train_util.py, precalculate_safetensors_hashes).

    The new hash covers the tensors alone; the legacy one 64 KiB from the first MiB on, of a file
    whose metadata are the ss_ keys.
    """
    kept = {key: value for key, value in metadata.items() if key.startswith("ss_")}
    data = safetensors.torch.save(dict(tensors), kept)
    body = _body_hash(data)
    return {
        "sshs_model_hash": body,
        "modelspec.hash_sha256": f"0x{body}",
        "sshs_legacy_hash": hashlib.sha256(data[0x100000:0x110000]).hexdigest()[:8],
    }


def _body_hash(data: bytes) -> str:
    """Hash a .safetensors file without its header, and so without its metadata."""
    body = 8 + int.from_bytes(data[:8], "little")
    return hashlib.sha256(data[body:]).hexdigest()
