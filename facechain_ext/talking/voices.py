"""The voices there are, by name; what else speaks or animates joins by the same two functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from facechain_ext.base.errors import InvalidInput
from facechain_ext.talking.english import EnglishVoice
from facechain_ext.talking.speech import Speech


class Voice(Protocol):
    """Turns text into speech whose phones have times."""

    def speak(self, text: str, *, speed: float = 1.0, seed: int = 0) -> Speech: ...


VOICES: Mapping[str, Callable[[], Voice]] = {"heart": EnglishVoice}


def find_voice(name: str) -> Voice:
    """Return a voice by its name; raises InvalidInput that lists those there are."""
    if name not in VOICES:
        raise InvalidInput(f"There is no voice {name!r}; there are {', '.join(VOICES)}.")
    return VOICES[name]()
