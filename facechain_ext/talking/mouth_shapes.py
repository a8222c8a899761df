"""What the mouth looks like at each sound of speech, told from its IPA symbol."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class MouthShape:
    """opening: 0 closed .. 1 widest. width: -1 round .. +1 wide.

    firmness: how far the sound keeps its shape among its neighbours; 1 is a vowel's.
    closed: the lips meet in it, whatever stands beside it.
    """

    opening: float
    width: float
    firmness: float = 1.0
    closed: bool = False


REST = MouthShape(0.0, 0.0, 1.2)
"""Between words, before and after."""

_SHAPES = (
    ("p b m ɓ", MouthShape(0.0, -0.05, closed=True)),
    ("f v ʋ ɸ β", MouthShape(0.06, 0.1, 1.3)),
    ("θ ð", MouthShape(0.16, 0.1, 0.7)),
    ("t d n l s z ɾ T ʦ ʣ ɖ ʈ ɳ ɽ ɫ ɭ", MouthShape(0.18, 0.15, 0.6)),
    ("k ɡ g ŋ h ʰ x ɣ ʔ c ɟ ç ʀ ʁ χ q ɲ ħ ɦ", MouthShape(0.28, 0.05, 0.35)),
    ("ʃ ʒ ʧ ʤ ɹ r ʂ ʐ ꭧ ɻ", MouthShape(0.2, -0.45, 0.8)),
    ("j ɕ ʑ ʨ ʥ ʎ", MouthShape(0.2, 0.3, 0.7)),
    ("w u ɥ y ʉ ʍ", MouthShape(0.18, -0.9, 1.1)),
    ("ʊ ʏ", MouthShape(0.28, -0.6)),
    ("o O Q ɔ ɒ ø œ ɵ", MouthShape(0.5, -0.6)),
    ("ɑ a ʌ ɐ", MouthShape(0.85, 0.1)),
    ("æ", MouthShape(0.75, 0.45)),
    ("ə ᵊ ɜ ɚ ɝ ɘ ɞ", MouthShape(0.42, 0.0, 0.8)),
    ("ɤ", MouthShape(0.42, 0.2)),
    ("ɨ ɯ ɰ", MouthShape(0.2, 0.25, 0.8)),
    ("e ɛ A", MouthShape(0.5, 0.35)),
    ("i ɪ ᵻ", MouthShape(0.25, 0.6)),
    ("I W", MouthShape(0.75, 0.15)),
    ("Y", MouthShape(0.55, -0.3)),
)
_BY_SYMBOL = {symbol: shape for symbols, shape in _SHAPES for symbol in symbols.split()}

_ROUNDED, _SPREAD = "uʊw", "iɪj"


def shape_of(symbol: str) -> MouthShape:
    """Return the mouth at a sound; marks of stress, length and tone change nothing.

    Of several letters, as in affricates and diphthongs, the first one known counts, and the second
    one of a diphthong draws the width towards itself. What is not known is a schwa.
    """
    letters = [letter for letter in unicodedata.normalize("NFD", symbol) if letter in _BY_SYMBOL]
    if not letters:
        return REST if not symbol.strip() else _BY_SYMBOL["ə"]
    first = _BY_SYMBOL[letters[0]]
    if len(letters) < 2 or first.firmness < 1 or letters[1] not in _ROUNDED + _SPREAD:
        return first
    second = _BY_SYMBOL[letters[1]]
    return MouthShape(0.8 * first.opening + 0.2 * second.opening, (first.width + second.width) / 2)
