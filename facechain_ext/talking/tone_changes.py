"""Tones of Mandarin as they are said, by what follows: 一, 不 and third tones in a row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

_COUNTS = "〇零一二三四五六七八九十百千万亿点"
_DAYS = "月日号"


def spoken_tones(words: Sequence[str], syllables: Sequence[str]) -> list[str]:
    """Return syllables with the tone that each has in what is said.

    words: of which every character has one syllable, such as ni3; 5 is no tone.
    """
    text, said = "".join(words), [*syllables]
    closing = _ends(words, shortest=2)
    for at in reversed(range(len(text))):
        if text[at] == "一" and said[at].startswith("yi"):
            said[at] = "yi" + _tone_of_one(text, at, said, at in closing)
        elif text[at] == "不" and said[at] == "bu4" and _tone(said, at + 1) == "4":
            said[at] = "bu2"
    return _without_thirds(words, said)


def _tone_of_one(text: str, at: int, said: Sequence[str], ends: bool) -> str:
    """Return the tone of 一: 1 where it counts or ends a word, else by the syllable after it."""
    before, after = text[max(0, at - 1) : at], text[at + 1 : at + 2]
    in_number = before != "" and before in _COUNTS + "第"
    if in_number or ends or after == "" or after in _COUNTS[:11] + _DAYS:
        return "1"
    if before == after:
        return "5"
    return "2" if _tone(said, at + 1) in "45" else "4"


def _without_thirds(words: Sequence[str], syllables: Sequence[str]) -> list[str]:
    """Raise third tones before third tones: within words, and of words of one syllable."""
    said, ends = [*syllables], _ends(words)
    alone = ends - _ends(words, shortest=2)
    for at in reversed(range(len(said) - 1)):
        follows = said if at in alone else syllables
        linked = at in alone or at not in ends
        if linked and syllables[at].endswith("3") and follows[at + 1].endswith("3"):
            said[at] = syllables[at][:-1] + "2"
    return said


def _ends(words: Sequence[str], shortest: int = 1) -> set[int]:
    """Return the places of the last characters of words that are not too short."""
    lengths = [*accumulate(map(len, words))]
    return {end - 1 for end, word in zip(lengths, words, strict=True) if len(word) >= shortest}


def _tone(syllables: Sequence[str], at: int) -> str:
    return syllables[at][-1] if at < len(syllables) else "0"
