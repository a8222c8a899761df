"""Names of LoRAs: of the file, new every time, and the one that prompts use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path

from facechain_ext.base.errors import InvalidInput
from facechain_ext.imaging.files import files_in
from facechain_ext.lora.folder import alias_of

NOT_IN_A_TAG = re.compile(r"[<>:,|\[\](){}\"\\/\x00-\x1f]+")
"""What ends or splits a prompt's `<lora:NAME:1>`, an infotext's list of hashes or a wildcard."""

FORBIDDEN = {"none", "addams"}
"""Aliases that AUTOMATIC1111 does not look up."""


def free_stem(wish: str, lora_dir: Path) -> str:
    """Return a file name without suffix that nothing in the LoRA folder has or had in this run:
    both webuis keep LoRAs in memory by name."""
    taken = {path.name.partition(".")[0].lower() for path in files_in(lora_dir)}
    return next(name for name in _numbered(wish) if name.lower() not in taken)


def free_alias(wish: str, lora_dir: Path) -> str:
    """Return a name for prompts that no other LoRA of the folder answers to.

    Raises InvalidInput where nothing is left of it that a prompt can say.
    """
    name = " ".join(NOT_IN_A_TAG.sub(" ", wish).split())
    if not name:
        raise InvalidInput(f"{wish!r} cannot name a LoRA: a prompt could not say it.")
    taken = FORBIDDEN | {known.lower() for known in _known_names(lora_dir)}
    return next(alias for alias in _numbered(name) if alias.lower() not in taken)


def _known_names(lora_dir: Path) -> Iterator[str]:
    for path in files_in(lora_dir):
        yield path.stem
        if path.suffix == ".safetensors" and (alias := alias_of(path)):
            yield alias


def _numbered(wish: str) -> Iterator[str]:
    return chain([wish], (f"{wish}-{number}" for number in count(2)))
