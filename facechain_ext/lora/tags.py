"""The <lora:name:weight> tags of a prompt, read as stable-diffusion-webui reads them.

Its grammar is in extra_networks.py and extra_networks_lora.py: arguments by place or by name, the
text encoders' weight first, the UNet's the same unless given.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from facechain_ext.base.errors import InvalidInput
from facechain_ext.lora.merge import Strength

_TAG = re.compile(r"<(\w+):([^>]+)>")


@dataclass(frozen=True)
class LoraTag:
    """A LoRA asked for by name; rank: to which its factors are cut, None for all of them."""

    name: str
    strength: Strength
    rank: int | None = None


def split_tags(prompt: str) -> tuple[str, tuple[LoraTag, ...], tuple[str, ...]]:
    """Take the tags out of a prompt: the text, its LoRAs, and the tags of other networks.

    Raises InvalidInput for a weight that is no number.
    """
    loras, others = [], []
    for match in _TAG.finditer(prompt):
        if match[1] == "lora":
            loras.append(_read(match.group(), match[2].split(":")))
        else:
            others.append(match.group())
    return _TAG.sub("", prompt), tuple(loras), tuple(others)


def _read(tag: str, arguments: list[str]) -> LoraTag:
    named = dict(pair for item in arguments if len(pair := item.split("=", 2)) == 2)
    placed = [item for item in arguments if len(item.split("=", 2)) != 2]
    given = [*placed[1:], *[None] * 3][:3]
    text = _number(tag, named.get("te", given[0]))
    unet = _number(tag, named.get("unet", given[1]), otherwise=text)
    rank = named.get("dyn", given[2])
    name = placed[0] if placed else ""
    return LoraTag(name, Strength(unet=unet, text=text), None if rank is None else _rank(tag, rank))


def _number(tag: str, text: str | None, otherwise: float = 1.0) -> float:
    try:
        number = otherwise if text is None else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput(f"{tag} in the prompt has a weight that is no number; write 0.8 or 1.")
    return number


def _rank(tag: str, text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise InvalidInput(f"{tag} in the prompt has a rank that is no whole number above 0.")
    return int(text)
