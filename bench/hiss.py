"""When it hisses against when a voice says that it speaks an s."""

from __future__ import annotations

import numpy as np

from facechain_ext.talking.speech import Speech

HISSING = frozenset("szʃʂɕʦʨꭧʧ")
_HIGH = 4000
"""Hertz above which a hiss has its sound, and vowels little."""
_SHIFTS = np.arange(-0.12, 0.125, 0.005)


def hiss_shift(speech: Speech) -> float:
    """Return the seconds by which phones have to be moved to fit the hiss; 0 without any."""
    hop, size = speech.rate // 400, speech.rate // 100
    parts = np.lib.stride_tricks.sliding_window_view(speech.samples, size)[::hop]
    power = np.abs(np.fft.rfft(parts * np.hanning(size))) ** 2
    high = power[:, np.fft.rfftfreq(size, 1 / speech.rate) > _HIGH].sum(axis=1)
    hiss = high / (power.sum(axis=1) + 1e-3)
    times = (np.arange(len(parts)) * hop + size / 2) / speech.rate

    def alike(shift: float) -> float:
        said = np.zeros(len(times), bool)
        for phone in speech.phones:
            if phone.symbol[:1] in HISSING:
                said |= (times >= phone.start + shift) & (times < phone.end + shift)
        return float(np.corrcoef(said, hiss)[0, 1]) if said.any() else 0.0

    shifts: list[float] = _SHIFTS.tolist()
    return max(shifts, key=alike) if any(alike(shift) for shift in shifts) else 0.0
