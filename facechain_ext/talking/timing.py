"""Symbols of a voice, each with the time its net gives it, to phones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from facechain_ext.talking.speech import Phone, Samples, Speech

STEP = 0.025
"""Seconds of one step of the nets, hibari's and Kokoro's."""
LATE = 2
"""Steps by which sounds come before the times that these nets give them: told by the hiss of s,
which is 45 to 70 ms earlier at every speed, and by the loudness of vowels."""
PAUSES = ';:,.!?—…"()“”'
_SILENT = 0.02
"""Of the loudest, where nothing is heard any more."""
_LEAST, _FADING = 0.05, 0.03
"""Seconds that a sound lasts at least, and that the mouth takes after the last of it."""
_STRESS = "ˈˌ"
_MODIFIERS = " ː→↗↘↓ʲ\u0303"


def phones_of(symbols: Sequence[str], steps: Sequence[int], before: int) -> tuple[Phone, ...]:
    """Return phones of symbols that each last so many steps, the first after `before` steps.

    A mark of stress is part of the sound that follows, a space, a tone or a mark of length of the
    sound before it.
    """
    phones: list[Phone] = []
    begun: float | None = None
    time = before * STEP
    for symbol, count in zip(symbols, steps, strict=True):
        end = time + count * STEP
        if symbol in _STRESS:
            begun = time if begun is None else begun
        elif symbol in _MODIFIERS and phones:
            phones[-1] = Phone(phones[-1].symbol, phones[-1].start, end)
        elif symbol not in _MODIFIERS:
            start = time if begun is None else begun
            phones.append(Phone("" if symbol in PAUSES else symbol, start, end))
            begun = None
        time = end
    return tuple(phones)


def ending_with_sound(speech: Speech) -> Speech:
    """End what a pause follows where it is heard last: nets give it some of the silence, too."""
    if not speech.phones:
        return speech
    quiet = _SILENT * float(np.abs(speech.samples).max(initial=0.0))
    followed = [*pairwise(speech.phones), (speech.phones[-1], Phone("", 0.0, 0.0))]
    phones = (
        _ended(phone, speech.samples, speech.rate, quiet)
        if phone.symbol and not after.symbol
        else phone
        for phone, after in followed
    )
    return replace(speech, phones=tuple(phones))


def _ended(phone: Phone, samples: Samples, rate: int, quiet: float) -> Phone:
    heard = np.flatnonzero(np.abs(samples[int(phone.start * rate) : int(phone.end * rate)]) > quiet)
    last = float(heard[-1]) / rate if len(heard) else 0.0
    return replace(phone, end=min(phone.end, phone.start + max(_LEAST, last + _FADING)))
