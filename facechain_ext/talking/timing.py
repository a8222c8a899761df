"""Symbols of a voice, each with the time its net gives it, to phones."""

from __future__ import annotations

from collections.abc import Sequence

from facechain_ext.talking.speech import Phone

STEP = 0.025
"""Seconds of one step of the nets, hibari's and Kokoro's."""
LATE = 2
"""Steps by which sounds come before the times that these nets give them: told by the hiss of s,
which is 45 to 70 ms earlier at every speed, and by the loudness of vowels."""
PAUSES = ';:,.!?—…"()“”'
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
