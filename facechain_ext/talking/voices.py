"""The voices there are, by name; what else speaks or animates joins by the same two functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from facechain_ext.base.errors import InvalidInput
from facechain_ext.installing.optional import EDGE_TTS, HIBARI, PYPINYIN, OptionalPackage
from facechain_ext.nets.catalog import find
from facechain_ext.talking.chinese_reader import ChineseReader
from facechain_ext.talking.english import EnglishReader, EnglishVoice
from facechain_ext.talking.kokoro import NET, KokoroVoice, Pause, require_kokoro
from facechain_ext.talking.online import OnlineVoice
from facechain_ext.talking.scripts import ANY, CHINESE, ENGLISH, Language
from facechain_ext.talking.speech import Speech


class Voice(Protocol):
    """Turns text into speech whose phones have times."""

    def speak(self, text: str, *, speed: float = 1.0, seed: int = 0) -> Speech: ...


@dataclass(frozen=True)
class VoiceOffer:
    """A voice, and what it takes.

    summary: what it reads, and how it sounds. make: opens it, with the nets of a models folder and
    the name of the voice among an online service's. online: whether the text leaves this computer.
    """

    summary: str
    language: Language
    package: OptionalPackage
    nets: tuple[str, ...]
    make: Callable[[Path, Pause, str], Voice]
    online: bool = False

    def lacking(self, models_dir: Path) -> tuple[str, ...]:
        """Return the names of packages and nets that it takes and that are not here yet."""
        nets = [find(name) for name in self.nets]
        packages = [self.package.name] if not self.package.installed else []
        runners = {net.needs for net in nets if net.unusable}
        absent = [net.id for net in nets if not net.present(models_dir)]
        return (*packages, *sorted(runners), *absent)

    def require(self, models_dir: Path) -> None:
        """Raise InvalidInput where its nets, or the package of an online one, are not there yet."""
        if self.nets:
            require_kokoro(models_dir)
        if self.online and not self.package.installed:
            raise InvalidInput(self.package.lacking)


def _heart(models_dir: Path, pause: Pause, name: str = "") -> Voice:
    del models_dir, pause, name
    return EnglishVoice()


def _michael(models_dir: Path, pause: Pause, name: str = "") -> Voice:
    del name
    return KokoroVoice(models_dir, "am_michael", ENGLISH, EnglishReader().sentences, pause)


def _xiaobei(models_dir: Path, pause: Pause, name: str = "") -> Voice:
    del name
    return KokoroVoice(models_dir, "zf_xiaobei", CHINESE, ChineseReader().sentences, pause)


def _yunxi(models_dir: Path, pause: Pause, name: str = "") -> Voice:
    del name
    return KokoroVoice(models_dir, "zm_yunxi", CHINESE, ChineseReader().sentences, pause)


def _online(models_dir: Path, pause: Pause, name: str = "") -> Voice:
    del models_dir
    return OnlineVoice(name, pause)


VOICES: Mapping[str, VoiceOffer] = {
    "heart": VoiceOffer("American English, a woman", ENGLISH, HIBARI, (), _heart),
    "michael": VoiceOffer("American English, a man", ENGLISH, HIBARI, (NET,), _michael),
    "xiaobei": VoiceOffer("Chinese, a woman", CHINESE, PYPINYIN, (NET,), _xiaobei),
    "yunxi": VoiceOffer("Chinese, a man", CHINESE, PYPINYIN, (NET,), _yunxi),
    "online": VoiceOffer("many languages, not here", ANY, EDGE_TTS, (), _online, online=True),
}


def find_voice(name: str) -> VoiceOffer:
    """Return a voice by its name; raises InvalidInput that lists those there are."""
    if name not in VOICES:
        raise InvalidInput(f"There is no voice {name!r}; there are {', '.join(VOICES)}.")
    return VOICES[name]
