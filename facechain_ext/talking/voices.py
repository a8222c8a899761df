"""The voices there are, by name; what else speaks or animates joins by the same two functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from facechain_ext.base.errors import InvalidInput
from facechain_ext.installing.optional import HIBARI, PYPINYIN, OptionalPackage
from facechain_ext.nets.catalog import find
from facechain_ext.talking.chinese_reader import ChineseReader
from facechain_ext.talking.english import EnglishReader, EnglishVoice
from facechain_ext.talking.kokoro import NET, KokoroVoice, Pause, require_kokoro
from facechain_ext.talking.scripts import CHINESE, ENGLISH
from facechain_ext.talking.speech import Speech


class Voice(Protocol):
    """Turns text into speech whose phones have times."""

    def speak(self, text: str, *, speed: float = 1.0, seed: int = 0) -> Speech: ...


@dataclass(frozen=True)
class VoiceOffer:
    """A voice, and what it takes.

    summary: what it reads, and how it sounds. make: opens it, with the nets of a models folder.
    """

    summary: str
    package: OptionalPackage
    nets: tuple[str, ...]
    make: Callable[[Path, Pause], Voice]

    def lacking(self, models_dir: Path) -> tuple[str, ...]:
        """Return the names of packages and nets that it takes and that are not here yet."""
        nets = [find(name) for name in self.nets]
        packages = [self.package.name] if not self.package.installed else []
        runners = {net.needs for net in nets if net.unusable}
        absent = [net.id for net in nets if not net.present(models_dir)]
        return (*packages, *sorted(runners), *absent)

    def require(self, models_dir: Path) -> None:
        """Raise InvalidInput where its nets are not there yet."""
        if self.nets:
            require_kokoro(models_dir)


def _heart(models_dir: Path, pause: Pause) -> Voice:
    del models_dir, pause
    return EnglishVoice()


def _michael(models_dir: Path, pause: Pause) -> Voice:
    return KokoroVoice(models_dir, "am_michael", ENGLISH, EnglishReader().sentences, pause)


def _xiaobei(models_dir: Path, pause: Pause) -> Voice:
    return KokoroVoice(models_dir, "zf_xiaobei", CHINESE, ChineseReader().sentences, pause)


def _yunxi(models_dir: Path, pause: Pause) -> Voice:
    return KokoroVoice(models_dir, "zm_yunxi", CHINESE, ChineseReader().sentences, pause)


VOICES: Mapping[str, VoiceOffer] = {
    "heart": VoiceOffer("American English, a woman", HIBARI, (), _heart),
    "michael": VoiceOffer("American English, a man", HIBARI, (NET,), _michael),
    "xiaobei": VoiceOffer("Chinese, a woman", PYPINYIN, (NET,), _xiaobei),
    "yunxi": VoiceOffer("Chinese, a man", PYPINYIN, (NET,), _yunxi),
}


def find_voice(name: str) -> VoiceOffer:
    """Return a voice by its name; raises InvalidInput that lists those there are."""
    if name not in VOICES:
        raise InvalidInput(f"There is no voice {name!r}; there are {', '.join(VOICES)}.")
    return VOICES[name]
