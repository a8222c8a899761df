"""Which ControlNet's file is for a kind of control and for a checkpoint's family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from facechain_ext.base.controls import IN_FILE_NAMES, ControlKind
from facechain_ext.base.errors import UnsupportedCheckpoint
from facechain_ext.diffusion.checkpoint import inspect, read_config
from facechain_ext.diffusion.headers import read_header

MINI_POSE = "facechain-mini-openpose.safetensors"
"""The mini's own, which ships beside it."""

_FAMILIES = {768: "Stable Diffusion 1.x", 1024: "Stable Diffusion 2.x", 2048: "SDXL"}
_READS_PROMPT = "transformer_blocks.0.attn2.to_k.weight"

Name = TypeVar("Name")


def told_family(width: int) -> str:
    """Name what a net belongs to that reads prompts of this width."""
    return _FAMILIES.get(width, "a small checkpoint")


def checkpoint_width(path: Path) -> int:
    """Return how wide the prompts are that a checkpoint reads; raises UnsupportedCheckpoint."""
    width: int = read_config(inspect(path).components, "unet")["cross_attention_dim"]
    return width


def prompt_width(path: Path) -> int | None:
    """Return how wide the prompts are that a file's net reads; None where its header is silent."""
    try:
        return width_of(read_header(path).shapes)
    except UnsupportedCheckpoint:
        return None


def width_of(shapes: Mapping[str, Sequence[int]]) -> int | None:
    """Return how wide the prompts are that tensors of these shapes read; None without any."""
    return max((s[1] for name, s in shapes.items() if name.endswith(_READS_PROMPT)), default=None)


def is_for(name: str, kind: ControlKind) -> bool:
    """Whether a file's name says that it is for a kind of control."""
    return any(word in name.lower() for word in IN_FILE_NAMES[kind])


def first_fitting(files: Iterable[tuple[Name, Path]], width: int) -> Name | None:
    """Take the first for prompts of this width, else the first that does not say its own."""
    widths = [(name, prompt_width(path)) for name, path in files]
    fitting = [name for name, own in widths if own == width]
    silent = [name for name, own in widths if own is None]
    return next(iter((*fitting, *silent)), None)


def told_families(paths: Iterable[Path]) -> str:
    """Name files with what they are for."""
    widths = {path.name: prompt_width(path) for path in paths}
    return ", ".join(f"{name} is for {told_family(own)}" for name, own in widths.items() if own)
