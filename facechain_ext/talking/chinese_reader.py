"""Chinese text, with English words in it, to the symbols that a voice speaks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.installing.optional import PYPINYIN
from facechain_ext.talking.chinese_text import HANZI, LATIN, sentences_of, spell_out
from facechain_ext.talking.english import EnglishReader
from facechain_ext.talking.pinyin import symbols_of
from facechain_ext.talking.tone_changes import spoken_tones

_PIECE = re.compile(f"[{HANZI}]+|[{LATIN}](?:[{LATIN}'’ .-]*[{LATIN}])?|.", re.DOTALL)
_MARKS = {mark: mark for mark in ',.!?;:()“”…—"'}
_MARKS |= {"、": ",", "。": ".", "·": " ", "《": "“", "》": "”", "「": "“", "」": "”"}
_LOOSE = re.compile(r" (?=[,.!?;:)”…])|(?<=[(“]) ")
"""Spaces that stand on the wrong side of a mark."""


class ChineseReader:
    """Reads Mandarin by pypinyin's readings of words, English words by `EnglishReader`."""

    def __init__(self) -> None:
        self._english = EnglishReader()

    def sentences(self, text: str) -> list[str]:
        """Return the symbols of each sentence.

        Raises InvalidInput for characters without a reading and where a package is missing.
        """
        if not PYPINYIN.installed:
            raise InvalidInput(PYPINYIN.lacking)
        return [self._symbols(spell_out(sentence)) for sentence in sentences_of(text)]

    def _symbols(self, sentence: str) -> str:
        if not re.search(f"[{HANZI}]", sentence):
            return " ".join(self._english.sentences(sentence))
        said = " ".join(self._piece(found.group()) for found in _PIECE.finditer(sentence))
        return _LOOSE.sub("", re.sub(r"\s+", " ", said)).strip()

    def _piece(self, piece: str) -> str:
        if re.match(f"[{HANZI}]", piece):
            return " ".join(_words(piece))
        if re.match(f"[{LATIN}]", piece):
            return self._english.words(piece)
        return _MARKS.get(piece, " ")


def _words(hanzi: str) -> Iterator[str]:
    """Yield the symbols of each word of a run of characters."""
    from pypinyin import Style, lazy_pinyin
    from pypinyin.seg import mmseg

    words = [*mmseg.seg.cut(hanzi)]
    read = [lazy_pinyin(each, style=Style.TONE3, neutral_tone_with_five=True) for each in words]
    syllables = iter(spoken_tones(words, [*chain.from_iterable(read)]))
    for word in words:
        yield "".join(_known(character, next(syllables)) for character in word)


def _known(character: str, syllable: str) -> str:
    symbols = symbols_of(syllable)
    if symbols is None:
        raise InvalidInput(
            f"The voice does not know how {quoted(character)} is read: write it otherwise."
        )
    return symbols
