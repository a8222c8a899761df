"""LoRA files as styles: their cards, and whether they fit the checkpoint that would draw."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import torch

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import Family
from facechain_ext.diffusion.headers import Header, read_header
from facechain_ext.imaging.files import decode
from facechain_ext.imaging.thumbnail import thumbnail
from facechain_ext.lora.family import TITLES, family_of_lora, other_family, told_family
from facechain_ext.lora.foreign_names import with_kohyas_names
from facechain_ext.lora.state import LoraState
from facechain_ext.styles import Style
from facechain_ext.styles.card import (
    Card,
    card_of,
    from_civitai,
    from_modelspec,
    from_sidecar,
    from_training,
)
from facechain_ext.styles.foreign import slug
from facechain_ext.styles.style import PERSON

PREVIEW_SIDE = 192
_LONGEST_SIDECAR = 4_000_000
_PREVIEWS = (".preview.png", ".png", ".preview.jpg", ".jpg", ".jpeg", ".preview.webp", ".webp")
_WHOLE = (
    "model.diffusion_model.", "first_stage_model.", "cond_stage_model.", "conditioner.",
    "down_blocks.", "mid_block.", "up_blocks.", "conv_in.",
)  # fmt: skip
_LORA_PART = re.compile(
    r"lora|lokr|hada|alpha$|\.diff(_b)?$|oft_|on_input|w_norm|[ab][12]\.weight$", re.IGNORECASE
)
_NAMED: tuple[tuple[str, Family], ...] = (
    (r"\bsd ?xl|xl\b|pony|illustrious|noob", "sdxl"),
    (r"\bsd ?v?2|\bsd2", "sd2"),
    (r"\bsd ?v?1|\bsd1", "sd1"),
)  # fmt: skip
_OTHERS = re.compile(r"flux|sd ?3|cascade|pixart|hunyuan|wan|aura ?flow|kolors|qwen|z-?image", re.I)


def read_card(path: Path) -> Card:
    """Read what a LoRA's sidecars and metadata say.

    Raises InvalidInput for a file that is damaged, or is a whole checkpoint.
    """
    header = _header(path, path.stat().st_mtime_ns)
    return card_of(
        [
            ("the webui's card", from_sidecar(_json(path.with_suffix(".json")))),
            (".civitai.info", from_civitai(_json(path.with_suffix(".civitai.info")))),
            ("modelspec", from_modelspec(header.metadata)),
            ("the training", from_training(header.metadata)),
        ]
    )


def style_of(path: Path) -> Style:
    """Make a style of a LoRA file; raises InvalidInput where it is none."""
    card = read_card(path)
    style = Style(
        name=slug(path.stem),
        title=card.title or path.stem,
        prompt=", ".join([PERSON, *card.trigger_words]),
        negative_prompt=card.negative_prompt,
        category="LoRA",
        style_lora=path.stem,
        base_model=card.base_model,
        licence=card.licence,
        preview=_preview(path, card),
    )
    return style if card.weight is None else replace(style, style_lora_weight=card.weight)


def why_unfit(path: Path, family: Family | None, base_model: str = "") -> str:
    """Say why a LoRA cannot be used with checkpoints of a family; empty where it can.

    Told by its layers; where they do not say it, by its metadata, then by what its card says.
    """
    try:
        header = _header(path, path.stat().st_mtime_ns)
    except InvalidInput as error:
        return str(error)
    if (other := other_family(header.shapes, header.metadata)) is not None:
        return f"{path.name} is a LoRA for {other}, which does not work here."
    own = _family_of(header, path.name) or _named_family(base_model)
    if own is None and _OTHERS.search(base_model):
        return f"{path.name} is a LoRA for {base_model}, which does not work here."
    if own is None or family is None or own == family:
        return ""
    return (
        f"{path.name} is a LoRA for {TITLES[own]}; the checkpoint that is loaded is "
        f"{TITLES[family]}, on which it has no effect."
    )


def _family_of(header: Header, name: str) -> Family | None:
    tensors = {key: torch.empty(shape, device="meta") for key, shape in header.shapes.items()}
    named = with_kohyas_names(tensors, header.metadata, name=name)
    return family_of_lora(LoraState(named, name=name, told=told_family(header.metadata)))


def _named_family(text: str) -> Family | None:
    found = (family for names, family in _NAMED if re.search(names, text, re.IGNORECASE))
    return next(found, None)


@lru_cache(maxsize=256)
def _header(path: Path, changed: int) -> Header:
    """Read a LoRA's header; raises InvalidInput for a damaged file and for no LoRA."""
    header = read_header(path)
    if any(_LORA_PART.search(key) for key in header.shapes):
        return header
    if any(key.startswith(_WHOLE) for key in header.shapes):
        raise InvalidInput(
            f"{path.name} is a whole checkpoint, not a LoRA: put it among the checkpoints and load "
            "it there."
        )
    raise InvalidInput(f"{path.name} holds no LoRA.")


def _json(path: Path) -> Mapping[str, Any]:
    """Read a sidecar; empty where there is none, or none that can be read."""
    try:
        if path.stat().st_size > _LONGEST_SIDECAR:
            return {}
        told = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _preview(path: Path, card: Card) -> str:
    """Return a small picture of a LoRA as a data address: the one beside it, else its own."""
    beside = (path.with_name(path.stem + ending) for ending in _PREVIEWS)
    found = next((each for each in beside if each.is_file()), None)
    try:
        data = found.read_bytes() if found else base64.b64decode(card.thumbnail.partition(",")[2])
        return _small(data, path.name) if data else ""
    except (InvalidInput, OSError, ValueError):
        return ""


def picture_beside(path: Path, named: str) -> str:
    """Return the picture that a style file names, where it lies beside it, as a data address."""
    beside = path.parent / PurePosixPath(named.replace("\\", "/")).name
    try:
        return _small(beside.read_bytes(), beside.name) if beside.is_file() else ""
    except (InvalidInput, OSError):
        return ""


def _small(data: bytes, name: str) -> str:
    return thumbnail(decode(data, name=name), PREVIEW_SIDE, quality=80)
