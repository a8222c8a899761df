"""The door for others' nets that animate faces: a protocol, kept by a package of theirs.

A package enters by an entry point of the group below, whose name is what users choose it by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import numpy as np

from facechain_ext.base.errors import FaceChainError, InvalidInput, quoted
from facechain_ext.base.records import Pixels
from facechain_ext.talking.speech import Speech

GROUP = "facechain.animators"


class Animator(Protocol):
    """Makes a portrait speak in its own way."""

    def lacking(self, models_dir: Path) -> str:
        """Say in a sentence what it takes that is not here yet; empty where it can begin."""

    def frames(self, portrait: Pixels, speech: Speech, fps: int) -> Iterator[Pixels]:
        """Yield RGB pictures of the portrait's size, fps of them for each second of speech."""


def find_animator(name: str, models_dir: Path, known: Mapping[str, Animator]) -> Animator:
    """Return the animator of that name, ready to begin; known: those that need no package.

    Raises InvalidInput where there is none, or it lacks something.
    """
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found and name not in known:
        names = ", ".join(sorted({*found, *known}))
        raise InvalidInput(f"There is no animator {quoted(name)} here: there are {names}.")
    animator: Animator = found[name].load()() if name in found else known[name]
    if told := animator.lacking(models_dir):
        raise InvalidInput(told)
    return animator


def checked(frames: Iterable[Pixels], portrait: Pixels, name: str) -> Iterator[Pixels]:
    """Pass on what an animator yields; raises FaceChainError for what is no such picture."""
    for pixels in frames:
        if pixels.shape != portrait.shape or pixels.dtype != np.uint8:
            raise FaceChainError(
                f"The animator {name} made a picture of {pixels.shape} {pixels.dtype}; the "
                f"portrait has {portrait.shape} uint8."
            )
        yield pixels
