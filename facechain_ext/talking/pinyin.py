"""The sounds of a syllable of Mandarin, in the symbols that the net Kokoro was trained with.

After Lin, The Sounds of Chinese (2007): what is written b d g is p t k without breath, the i after
z and zh a vowel of its own (ɨ). The tone stands behind the vowel as an arrow.
"""

from __future__ import annotations

import re

TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}

_INITIALS = {
    "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l",
    "g": "k", "k": "kʰ", "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "z": "ʦ", "c": "ʦʰ", "s": "s",
    "zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ", "r": "ɻ", "": "",
}  # fmt: skip
_FINALS = {
    "a": "a0", "ai": "ai0", "an": "a0n", "ang": "a0ŋ", "ao": "au0", "e": "ɤ0", "ei": "ei0",
    "en": "ə0n", "eng": "ə0ŋ", "er": "ɚ0", "o": "wo0", "ong": "ʊ0ŋ", "ou": "ou0", "ê": "ɛ0",
    "i": "i0", "ia": "ja0", "ian": "jɛ0n", "iang": "ja0ŋ", "iao": "jau0", "ie": "je0",
    "in": "i0n", "ing": "i0ŋ", "io": "jɔ0", "iong": "jʊ0ŋ", "iou": "jou0",
    "u": "u0", "ua": "wa0", "uai": "wai0", "uan": "wa0n", "uang": "wa0ŋ", "uei": "wei0",
    "uen": "wə0n", "ueng": "wə0ŋ", "uo": "wo0",
    "ü": "y0", "üe": "ɥe0", "üan": "ɥɛ0n", "ün": "y0n",
}  # fmt: skip
_BARE = {"m": "m0", "n": "n0", "ng": "ŋ0", "hm": "hm0", "hng": "hŋ0", "o": "ɔ0"}
"""Syllables that are said to oneself."""
_SHORT = {"iu": "iou", "ui": "uei", "un": "uen"}
_SYLLABLE = re.compile("([zcs]h|[bpmfdtnlgkhjqxzcsr]?)([aoeiuüê][a-zü]*)")


def symbols_of(syllable: str) -> str | None:
    """Return the symbols of a syllable such as zhong1 or lü4, 5 being no tone; None for others."""
    letters, tone = syllable[:-1].replace("v", "ü"), TONES.get(syllable[-1:])
    sounds = _BARE.get(letters) or _regular(letters)
    return None if sounds is None or tone is None else sounds.replace("0", tone)


def _regular(letters: str) -> str | None:
    found = _SYLLABLE.fullmatch(_as_heard(letters))
    if found is None:
        return None
    initial, final = found.groups()
    if final == "i" and initial in ("z", "c", "s", "zh", "ch", "sh", "r"):
        return _INITIALS[initial] + "ɨ0"
    if initial in ("j", "q", "x") and final.startswith("u"):
        final = "ü" + final[1:]
    final = _SHORT.get(final, final)
    return _INITIALS[initial] + _FINALS[final] if final in _FINALS else None


def _as_heard(letters: str) -> str:
    """Write a syllable without the y and w that only mark where it begins."""
    if letters.startswith("yu"):
        return "ü" + letters[2:]
    if letters.startswith("y"):
        return letters[1:] if letters[1:2] == "i" else "i" + letters[1:]
    if letters.startswith("w"):
        return letters[1:] if letters[1:2] == "u" else "u" + letters[1:]
    return letters
