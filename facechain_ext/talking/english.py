"""An English voice that knows when it makes each sound: hibari (Maureese Williams, Apache-2.0)."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.installing.optional import HIBARI
from facechain_ext.talking.onnx_graph import open_net, with_output
from facechain_ext.talking.scripts import check_speakable
from facechain_ext.talking.speech import Phone, Speech, joined

_DURATIONS = "/Clip_output_0"
"""What the net of hibari 0.2.1 computes on its way: steps of 25 ms for each symbol."""
_STEP = 0.025
_STRESS = "ˈˌ"
_PAUSES = ';:,.!?—…"()“”'
_BETWEEN_SENTENCES = 0.1


class EnglishVoice:
    """Speaks American English as a woman; speed: 0.5 slow .. 2 fast."""

    def speak(self, text: str, *, speed: float = 1.0, seed: int = 0) -> Speech:
        """Return a text as speech with phones; raises InvalidInput for what cannot be read."""
        check_speakable(text, script="LATIN", language="English")
        generator = np.random.default_rng(seed)
        spoken = [self._sentence(each, speed, generator) for each in self._sentences(text)]
        if not spoken:
            raise InvalidInput("There is nothing to say: type some words.")
        return joined(spoken, _BETWEEN_SENTENCES)

    def _sentences(self, text: str) -> Iterator[str]:
        sentences: list[str] = self._hibari.phonemize(text)
        return (each for each in sentences if any(letter.isalpha() for letter in each))

    def _sentence(self, symbols: str, speed: float, generator: np.random.Generator) -> Speech:
        from hibari import dsp

        known = [symbol for symbol in symbols if symbol in self._hibari.vocab]
        ids = np.array([self._hibari.ids(symbols)], np.int64)
        given = {"ids": ids, "speed": np.array([speed], np.float32)}
        *spectra, durations = self._net.run(None, given)
        samples = dsp.synth(*(part[0] for part in spectra), generator)
        steps = durations.astype(int).tolist()
        phones = phones_of(known, steps[1:-1], steps[0])
        return Speech(samples.astype(np.float32), int(dsp.SR), phones)

    @functools.cached_property
    def _hibari(self) -> Any:
        if not HIBARI.installed:
            raise InvalidInput(HIBARI.lacking)
        from hibari import Hibari

        return Hibari()

    @functools.cached_property
    def _net(self) -> Any:
        model = Path(self._hibari.model_path).read_bytes()
        return open_net(with_output(model, _DURATIONS))


def phones_of(symbols: Sequence[str], steps: Sequence[int], before: int) -> tuple[Phone, ...]:
    """Return phones of symbols that each last so many steps, the first after `before` steps.

    A mark of stress is part of the sound that follows, a space of the sound before it.
    """
    phones: list[Phone] = []
    begun: float | None = None
    time = before * _STEP
    for symbol, count in zip(symbols, steps, strict=True):
        end = time + count * _STEP
        if symbol in _STRESS:
            begun = time if begun is None else begun
        elif symbol == " " and phones:
            phones[-1] = Phone(phones[-1].symbol, phones[-1].start, end)
        elif symbol != " ":
            start = time if begun is None else begun
            phones.append(Phone("" if symbol in _PAUSES else symbol, start, end))
            begun = None
        time = end
    return tuple(phones)
