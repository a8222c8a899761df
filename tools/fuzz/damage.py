"""Ways to damage files: bytes flipped, cut, swapped; headers edited; tensors that make no sense."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

Damage = Callable[[bytes, Random], bytes]
ODD_VALUES: tuple[Any, ...] = (None, -1, 0, 2**63, 1e300, "", "text", [], [[]], {}, [2, -3], True)
DTYPES = ("F64", "F32", "F16", "BF16", "I64", "I8", "U8", "BOOL", "F8_E4M3", "X9")


def flip(data: bytes, rng: Random, *, first: int | None = None) -> bytes:
    """Change up to twenty bytes, of the first ones or anywhere."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 20)):
        if changed:
            changed[rng.randrange(min(first or len(changed), len(changed)))] = rng.randrange(256)
    return bytes(changed)


def flip_in_front(data: bytes, rng: Random) -> bytes:
    return flip(data, rng, first=2000)


def cut(data: bytes, rng: Random) -> bytes:
    """Leave out the end, or a piece of the middle."""
    if rng.random() < 0.5:
        return data[: rng.randrange(len(data) + 1)]
    start = rng.randrange(len(data) + 1)
    return data[:start] + data[start + rng.randint(1, 4000) :]


def swap(data: bytes, rng: Random) -> bytes:
    """Exchange two pieces."""
    size = rng.randint(1, max(1, len(data) // 3))
    a = rng.randrange(max(1, len(data) - 2 * size))
    b = rng.randrange(a + size, max(a + size + 1, len(data) - size))
    return (
        data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]
    )


def edit_header(data: bytes, rng: Random) -> bytes:
    """Change names, kinds, shapes, places and metadata in a .safetensors header."""
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    for _ in range(rng.randint(1, 3)):
        _edit(header, rng)
    text = json.dumps(header).encode()
    if rng.random() < 0.1:
        text = text[: rng.randrange(len(text))]
    told = len(text) if rng.random() > 0.1 else rng.choice((0, 7, 2**40, len(text) + 5))
    return told.to_bytes(8, "little") + text + body


def _edit(header: dict[str, Any], rng: Random) -> None:
    key = rng.choice([*header] or ["none"])
    entry = header.get(key)
    choice = rng.randrange(7)
    if choice == 0:
        header.pop(key, None)
    elif choice == 1:
        header[rng.choice((key[::2], key + ".x", "", "bundle_emb.a.b", "é\u2028"))] = header.pop(
            key, None
        )
    elif choice == 2:
        metadata = rng.choice((*ODD_VALUES, {"facechain.weight": "strong", "sshs_model_hash": ""}))
        header["__metadata__"] = metadata
    elif isinstance(entry, dict):
        field = rng.choice([*entry] or ["dtype"])
        entry[field] = rng.choice(DTYPES if field == "dtype" else ODD_VALUES)
        if choice == 3 and isinstance(entry.get("shape"), list):
            rng.shuffle(entry["shape"])


def change_tensors(data: bytes, rng: Random) -> bytes:
    """Write a sound file whose tensors are not what they should be."""
    tensors = safetensors.torch.load(data)
    metadata = {"ss_base_model_version": rng.choice(("sd_v1", "sdxl_", "sd3m", ""))}
    for _ in range(rng.randint(1, 3)):
        key = rng.choice([*tensors])
        odd = _odd(tensors[key], rng)
        stem = key.partition(".")[0]
        tensors[rng.choice((key, key, f"{stem}.{rng.choice(PARTS)}"))] = odd.contiguous()
    saved: bytes = safetensors.torch.save(tensors, metadata)
    return saved


PARTS = (
    *("alpha", "scale", "diff", "diff_b", "w_norm", "dora_scale", "lora_mid.weight"),
    *("hada_w1_a", "lokr_w1", "oft_blocks", "a1.weight", "on_input", "weight", "SCB", "absmax"),
)


def _odd(tensor: Tensor, rng: Random) -> Tensor:
    ways: tuple[Callable[[Tensor], Tensor], ...] = (
        lambda t: torch.full_like(t, float("nan")),
        lambda t: torch.full_like(t, rng.choice((float("inf"), 1e30, -1e10))),
        lambda t: t.flatten()[:1].reshape(()),
        lambda t: t.reshape(-1, *t.shape[1:])[:0],
        lambda t: t.flatten(),
        lambda t: t[None],
        lambda t: torch.cat([t.reshape(1, -1)] * 2),
        lambda t: t.to(torch.int8),
        lambda t: t.to(torch.float16),
        lambda t: t.to(torch.bool),
        lambda t: t.T if t.ndim == 2 else t.flatten(),
    )
    return rng.choice(ways)(tensor.nan_to_num().clamp(-100, 100)).clone()


def edit_json(data: bytes, rng: Random) -> bytes:
    """Change a value of a JSON file, or its whole."""
    try:
        told = json.loads(data)
    except ValueError:
        return flip(data, rng)
    if not isinstance(told, dict) or not told or rng.random() < 0.2:
        return json.dumps(rng.choice(ODD_VALUES)).encode()
    key = rng.choice([*told])
    if rng.random() < 0.3:
        told.pop(key)
    else:
        told[key] = rng.choice(ODD_VALUES)
    return json.dumps(told).encode()


def as_utf16(data: bytes, rng: Random) -> bytes:
    """Save a text as some editors do."""
    return data.decode("utf-8", "replace").encode(
        rng.choice(("utf-16", "cp1252", "utf-8-sig")), "replace"
    )


TENSORS: tuple[Damage, ...] = (flip, flip_in_front, cut, swap, edit_header, change_tensors)
FILES: tuple[Damage, ...] = (flip, cut, swap, edit_json, as_utf16, lambda data, rng: b"")
