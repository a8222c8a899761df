"""What is said in a recording, and when: phones by a net that hears them, or by loudness alone."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.errors import InvalidInput
from facechain_ext.nets.catalog import find
from facechain_ext.talking.mouth_track import loudness_of
from facechain_ext.talking.onnx_graph import open_net
from facechain_ext.talking.speech import Phone, Samples, Speech

HEARING = "hama"
_RATE = 16000
_FRAME = 0.02
"""Seconds of one answer of the net, which stands for the answer after it."""
_LATE = 0.06
"""Seconds by which it hears a sound after it is there: told by the hiss of s in seven speeches."""
_LONGEST_PHONE = 0.22
_PIECE, _MARGIN = 20 * _RATE, 3 * _RATE
_FEWEST = 1.5
"""Phones in a loud second below which nobody speaks; noise had 0.5, speech 5 and more."""
_LOUD, _SYLLABLE = 0.22, 0.02
_BY_LOUDNESS = ("", "ə", "ɛ", "a")
"""Sounds for speech of which only the loudness is known, from silent to loud."""


class PhoneListener:
    """Hears phones by hama's net (wavecast, Apache-2.0): of English well, of others their like."""

    def __init__(self, models_dir: Path) -> None:
        """Raises InvalidInput as `require_hearing` does."""
        require_hearing(models_dir)
        net, vocabulary = find(HEARING).paths(models_dir)
        self._tokens = _tokens(vocabulary)
        self._net = open_net(net.read_bytes())

    def listen(self, speech: Speech) -> Speech:
        """Return the speech with phones; raises InvalidInput where nobody speaks."""
        samples = resampled(speech.samples, speech.rate, _RATE)
        phones = [
            phone.moved(begin / _RATE)
            for begin, piece in _pieces(samples)
            for phone in phones_of(self._heard(piece), self._tokens)
        ]
        loud = loudness_of(speech.samples, speech.rate, 1 / _SYLLABLE) > _LOUD
        if not phones or len(phones) < _FEWEST * _SYLLABLE * loud.sum():
            raise InvalidInput("Nobody can be heard speaking in this recording.")
        there = [_sounding(phone, speech.seconds) for phone in phones]
        return Speech(speech.samples, speech.rate, tuple(there))

    def _heard(self, piece: Samples) -> NDArray[np.int64]:
        """Return the token that each frame of the net's answer holds for likeliest."""
        given = {"waveform": piece[None], "waveform_lengths": np.array([len(piece)], np.int64)}
        (answer,) = self._net.run(["log_probs"], given)
        return np.asarray(answer[0].argmax(axis=-1), np.int64)


def require_hearing(models_dir: Path) -> None:
    """Raise InvalidInput where the net that hears, or what runs it, is not there yet."""
    entry = find(HEARING)
    if entry.unusable:
        raise InvalidInput(entry.unusable)
    if not entry.present(models_dir):
        raise InvalidInput(
            f"Hearing what is said takes a net that is not here yet: {entry.summary}. Fetch it "
            f"under Models (facechain models download {HEARING}), or let the mouth follow "
            "the loudness alone (--listening loudness)."
        )
    entry.verify(models_dir)


def follow_loudness(speech: Speech) -> Speech:
    """Return the speech with a vowel wherever it is loud, opener the louder it is."""
    loud = loudness_of(speech.samples, speech.rate, 1 / _SYLLABLE)
    levels = np.where(loud < _LOUD, 0, 1 + np.digitize(loud, (0.5, 0.8)))
    edges = [0, *(np.flatnonzero(np.diff(levels)) + 1).tolist(), len(levels)]
    phones = [
        Phone(_BY_LOUDNESS[levels[begin]], begin * _SYLLABLE, end * _SYLLABLE)
        for begin, end in pairwise(edges)
    ]
    return Speech(speech.samples, speech.rate, tuple(phones))


def phones_of(heard: NDArray[np.int64], tokens: list[str]) -> list[Phone]:
    """Return phones of the likeliest token of each frame; the last token is none, "<wb>" a gap.

    The net tells when a phone begins; it lasts until the next one, and not for ever.
    """
    changes = np.flatnonzero(np.diff(heard, prepend=len(tokens) - 1))
    said = [
        (float(at + 1) * _FRAME, tokens[heard[at]])
        for at in changes.tolist()
        if _is_sound(tokens[heard[at]])
    ]
    ends = [*(begin for begin, _ in said[1:]), float("inf")]
    return [
        Phone(symbol, begin, min(end, begin + _LONGEST_PHONE))
        for (begin, symbol), end in zip(said, ends, strict=False)
    ]


def _sounding(phone: Phone, seconds: float) -> Phone:
    """Return when a phone that was heard was there, within so many seconds."""
    start, end = (min(seconds, max(0.0, time - _LATE)) for time in (phone.start, phone.end))
    return Phone(phone.symbol, start, end)


def _is_sound(token: str) -> bool:
    """Tell sounds from gaps, blanks and marks that change the sound before them."""
    letters = any(unicodedata.category(letter) in ("Ll", "Lo") for letter in token)
    return token == "<unk>" or (letters and not token.startswith("<"))


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """Bring sound to another rate; what is too high for it is averaged away first."""
    if rate == wanted:
        return samples
    width = max(1, round(rate / wanted))
    mean = np.full(width, 1 / width, np.float32)
    made = np.empty(round(len(samples) * wanted / rate), np.float32)
    for begin in range(0, len(made), _PIECE):
        places = np.arange(begin, min(begin + _PIECE, len(made))) * (rate / wanted)
        first = max(0, int(places[0]) - width)
        near = np.convolve(samples[first : int(places[-1]) + width + 2], mean, mode="same")
        made[begin : begin + _PIECE] = np.interp(places - first, np.arange(len(near)), near)
    return made


def _pieces(samples: Samples) -> Iterator[tuple[int, Samples]]:
    """Cut long sound where it is quietest, so that memory does not grow with it."""
    begin = 0
    while len(samples) - begin > _PIECE + _MARGIN:
        window = np.abs(samples[begin + _PIECE - _MARGIN : begin + _PIECE])
        calm = np.convolve(window, np.ones(_RATE // 10, np.float32), mode="valid")
        end = begin + _PIECE - _MARGIN + int(calm.argmin()) + _RATE // 20
        yield begin, samples[begin:end]
        begin = end
    if len(samples) - begin > _RATE // 10:
        yield begin, samples[begin:]


def _tokens(vocabulary: Path) -> list[str]:
    known = json.loads(vocabulary.read_text(encoding="utf-8"))["decoder"]
    return [*map(str, known), "<wb>", "<blank>"]
