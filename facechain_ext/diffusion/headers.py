"""What the headers of weight files say: names, shapes and kinds of numbers, without the numbers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from facechain_ext.base.errors import UnsupportedCheckpoint
from facechain_ext.diffusion.families import Shapes

FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
"""The kinds of numbers that weights can be trained on, or drawn with, as they are."""

QUANTIZED_WEIGHTS = (
    "holds weights in whole numbers: they are quantized (int8, bitsandbytes, GGUF) and cannot be "
    "trained on; use the plain one."
)

VARIANTS = ("", "fp32", "fp16", "bf16", "ema", "non_ema")
"""The endings that publishers give a component's files, best first; others come after these."""


@dataclass(frozen=True)
class Header:
    """A .safetensors file without its numbers; dtypes are called as in the file, e.g. "F16"."""

    shapes: Shapes
    dtypes: dict[str, str]
    metadata: dict[str, str]


def read_header(path: Path) -> Header:
    """Read a file's header; raises UnsupportedCheckpoint for a file that is not whole."""
    try:
        with safe_open(str(path), framework="numpy"), path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            told = json.loads(stream.read(length))
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise UnsupportedCheckpoint(
            f"{path.name} is not a valid .safetensors file: {error}"
        ) from error
    metadata = told.pop("__metadata__", None) or {}
    return Header(
        {key: tuple(entry["shape"]) for key, entry in told.items()},
        {key: entry["dtype"] for key, entry in told.items()},
        metadata,
    )


def weight_files(component: Path) -> tuple[Path, ...]:
    """Return the .safetensors files of a diffusers component, one or its shards.

    Of several variants the one of full precision; raises UnsupportedCheckpoint for none.
    """
    stem = "model" if component.name.startswith("text_encoder") else "diffusion_pytorch_model"
    single = re.compile(re.escape(stem) + r"(?:\.([\w-]+?))?\.safetensors")
    index = re.compile(re.escape(stem) + r"\.safetensors\.index(?:\.([\w-]+))?\.json")
    found: dict[str, Path] = {}
    for pattern in (index, single):
        for path in sorted(component.glob(f"{stem}.*")):
            match = pattern.fullmatch(path.name)
            if match and "-of-" not in path.name:
                found[match[1] or ""] = path
    if not found:
        raise UnsupportedCheckpoint(
            f"{component.parent.name}: {component.name}/ holds no {stem}.safetensors. "
            "Pickled weights (.bin) are never read."
        )
    best = found[min(found, key=_rank)]
    return _shards(best) if best.suffix == ".json" else (best,)


def _rank(variant: str) -> tuple[int, str]:
    return (VARIANTS.index(variant) if variant in VARIANTS else len(VARIANTS), variant)


def _shards(index: Path) -> tuple[Path, ...]:
    """Return the files that an index names; raises UnsupportedCheckpoint where one is missing."""
    place = f"{index.parent.parent.name}: {index.parent.name}/"
    try:
        named = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        names = sorted({str(name) for name in named})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnsupportedCheckpoint(f"{place}{index.name} cannot be read.") from error
    for name in names:
        if Path(name).name != name or not (index.parent / name).is_file():
            raise UnsupportedCheckpoint(f"{place} is incomplete: it lacks {name}.")
        if not name.endswith(".safetensors"):
            raise UnsupportedCheckpoint(f"{place}{name} is no .safetensors file, and never read.")
    return tuple(index.parent / name for name in names)
