"""The net Kokoro-82M (hexgrad, Apache-2.0), which speaks symbols in the manner of one voice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from facechain_ext.base.errors import InvalidInput
from facechain_ext.nets.catalog import find
from facechain_ext.talking.onnx_graph import open_net, with_output
from facechain_ext.talking.scripts import Language, check_speakable
from facechain_ext.talking.speech import Phone, Speech, joined
from facechain_ext.talking.timing import LATE, PAUSES, ending_with_sound, phones_of

NET, STYLES = "kokoro", "kokoro-voices"
RATE = 24000
_DURATIONS = "/encoder/Clip_output_0"
"""What the net computes on its way: steps of 25 ms for each symbol."""
_LONGEST = 400
"""Symbols of one run of the net, which takes 510."""
_SILENT, _MARGIN = 0.01, 0.08
_BETWEEN_SENTENCES = 0.25

Reader = Callable[[str], list[str]]
"""Returns the symbols of every sentence of a text."""
Pause = Callable[[], None]
"""Called before every sentence, which takes seconds; stops the speech by raising."""


class KokoroVoice:
    """Reads a language and speaks as one person; the seed changes nothing."""

    def __init__(
        self, models_dir: Path, style: str, language: Language, read: Reader, pause: Pause
    ) -> None:
        """style: one of the voices that ship; raises InvalidInput as `require_kokoro` does."""
        require_kokoro(models_dir)
        self._speaker = _Speaker(models_dir, style)
        self._language, self._read, self._pause = language, read, pause

    def speak(self, text: str, *, speed: float = 1.0, seed: int = 0) -> Speech:
        """Return a text as speech with phones; raises InvalidInput for what cannot be read."""
        del seed
        check_speakable(text, self._language)
        pieces = [piece for sentence in self._read(text) for piece in pieces_of(sentence)]
        if not pieces:
            raise InvalidInput("There is nothing to say: type some words.")
        return joined((self._piece(piece, speed) for piece in pieces), _BETWEEN_SENTENCES)

    def _piece(self, symbols: str, speed: float) -> Speech:
        self._pause()
        return self._speaker.speak(symbols, speed)


class _Speaker:
    """The net with the style of one voice."""

    def __init__(self, models_dir: Path, style: str) -> None:
        net, vocabulary = find(NET).paths(models_dir)
        (styles,) = find(STYLES).paths(models_dir)
        self._ids = json.loads(vocabulary.read_text(encoding="utf-8"))["vocab"]
        with safe_open(str(styles), framework="numpy") as stored:
            self._styles = stored.get_tensor(style).astype(np.float32)
        self._net = open_net(with_output(net.read_bytes(), _DURATIONS))

    def speak(self, symbols: str, speed: float) -> Speech:
        known = [symbol for symbol in symbols if symbol in self._ids]
        ids = [0, *(self._ids[symbol] for symbol in known), 0]
        given = {
            "tokens": np.array([ids], np.int64),
            "style": self._style(len(known)),
            "speed": np.array([speed], np.float32),
        }
        samples, durations = self._net.run(None, given)
        steps = durations.ravel().astype(int).tolist()
        phones = phones_of(known, steps[1:-1], max(0, steps[0] - LATE))
        speech = Speech(np.asarray(samples, np.float32).ravel(), RATE, phones)
        return ending_with_sound(trimmed(speech))

    def _style(self, length: int) -> NDArray[np.float32]:
        """Return how the voice speaks a sentence of so many symbols, shape (1, 256)."""
        return np.asarray(self._styles[min(length, len(self._styles)) - 1][None], np.float32)


def require_kokoro(models_dir: Path) -> None:
    """Raise InvalidInput where its net, or what runs it, is not there yet."""
    net = find(NET)
    if net.unusable:
        raise InvalidInput(net.unusable)
    if not net.present(models_dir):
        raise InvalidInput(
            f"This voice takes a net that is not here yet: {net.summary}. Fetch it under Models or "
            f"by facechain models download {NET}."
        )
    net.verify(models_dir)
    find(STYLES).verify(models_dir)


def pieces_of(symbols: str, longest: int = _LONGEST) -> Iterator[str]:
    """Cut what is too long for the net, at the last mark or else the last space that fits."""
    while len(symbols) > longest:
        fitting = symbols[:longest]
        marks = max(fitting.rfind(mark + " ") for mark in PAUSES) + 1
        cut = marks or fitting.rfind(" ") + 1 or longest
        yield fitting[:cut].strip()
        symbols = symbols[cut:].lstrip()
    if symbols:
        yield symbols


def trimmed(speech: Speech) -> Speech:
    """Cut off the silence before and after, and with it what sounds last into it."""
    loud = np.flatnonzero(np.abs(speech.samples) > _SILENT)
    if not len(loud):
        return speech
    margin = round(_MARGIN * speech.rate)
    begin, end = max(0, int(loud[0]) - margin), int(loud[-1]) + margin
    samples = speech.samples[begin:end]
    start, length = begin / speech.rate, len(samples) / speech.rate
    moved = (
        Phone(phone.symbol, max(0.0, phone.start - start), min(length, phone.end - start))
        for phone in speech.phones
        if start < phone.end and phone.start - start < length
    )
    return Speech(samples, speech.rate, tuple(moved))
