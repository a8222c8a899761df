"""An English voice that knows when it makes each sound: hibari (Maureese Williams, Apache-2.0)."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.installing.optional import HIBARI
from facechain_ext.talking.onnx_graph import open_net, with_output
from facechain_ext.talking.scripts import ENGLISH, check_speakable
from facechain_ext.talking.speech import Speech, joined
from facechain_ext.talking.timing import LATE, ending_with_sound, phones_of

_DURATIONS = "/Clip_output_0"
"""What the net of hibari 0.2.1 computes on its way: steps of 25 ms for each symbol."""
_BETWEEN_SENTENCES = 0.1
_LETTERS = {
    "A": "ˈA", "B": "bˈi", "C": "sˈi", "D": "dˈi", "E": "ˈi", "F": "ˈɛf", "G": "ʤˈi",
    "H": "ˈAʧ", "I": "ˈI", "J": "ʤˈA", "K": "kˈA", "L": "ˈɛl", "M": "ˈɛm", "N": "ˈɛn",
    "O": "ˈO", "P": "pˈi", "Q": "kjˈu", "R": "ˈɑɹ", "S": "ˈɛs", "T": "tˈi", "U": "jˈu",
    "V": "vˈi", "W": "dˈʌbᵊlju", "X": "ˈɛks", "Y": "wˈI", "Z": "zˈi",
}  # fmt: skip


class EnglishReader:
    """Reads American English by hibari's lexicons; abbreviations need no package."""

    def sentences(self, text: str) -> list[str]:
        """Return the symbols of each sentence; raises InvalidInput without hibari-tts."""
        sentences: list[str] = self.hibari.phonemize(text)
        return [each for each in sentences if any(letter.isalpha() for letter in each)]

    def words(self, words: str) -> str:
        """Return the symbols of words that stand in another language.

        Raises InvalidInput, which names it, for a word that has to be looked up and cannot be.
        """
        return " ".join(map(self._word, words.split()))

    def _word(self, word: str) -> str:
        letters = [_LETTERS[letter] for letter in word if letter in _LETTERS]
        if len(letters) == len(word) and (len(word) == 1 or not HIBARI.installed):
            return " ".join(letters)
        if not HIBARI.installed:
            raise InvalidInput(HIBARI.lacked_by(f"The English word {quoted(word)} takes"))
        return " ".join(self.sentences(word))

    @functools.cached_property
    def hibari(self) -> Any:
        """The package's own object, which also knows its net."""
        if not HIBARI.installed:
            raise InvalidInput(HIBARI.lacking)
        from hibari import Hibari

        return Hibari()


class EnglishVoice:
    """Speaks American English as a woman; speed: 0.5 slow .. 2 fast."""

    def __init__(self) -> None:
        self._reader = EnglishReader()

    def speak(self, text: str, *, speed: float = 1.0, seed: int = 0) -> Speech:
        """Return a text as speech with phones; raises InvalidInput for what cannot be read."""
        check_speakable(text, ENGLISH)
        generator = np.random.default_rng(seed)
        sentences = self._reader.sentences(text)
        if not sentences:
            raise InvalidInput("There is nothing to say: type some words.")
        spoken = (self._sentence(each, speed, generator) for each in sentences)
        return joined(spoken, _BETWEEN_SENTENCES)

    def _sentence(self, symbols: str, speed: float, generator: np.random.Generator) -> Speech:
        from hibari import dsp

        hibari = self._reader.hibari
        known = [symbol for symbol in symbols if symbol in hibari.vocab]
        ids = np.array([hibari.ids(symbols)], np.int64)
        given = {"ids": ids, "speed": np.array([speed], np.float32)}
        *spectra, durations = self._net.run(None, given)
        samples = dsp.synth(*(part[0] for part in spectra), generator)
        steps = durations.astype(int).tolist()
        phones = phones_of(known, steps[1:-1], max(0, steps[0] - LATE))
        return ending_with_sound(Speech(samples.astype(np.float32), int(dsp.SR), phones))

    @functools.cached_property
    def _net(self) -> Any:
        model = Path(self._reader.hibari.model_path).read_bytes()
        return open_net(with_output(model, _DURATIONS))
