"""Which script a text is written in, so that no voice reads out what it does not know."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.config.talking import LONGEST_TEXT


@dataclass(frozen=True)
class Language:
    """What a voice reads.

    scripts: how the names of its letters in Unicode begin. voices: those that read it.
    """

    name: str
    scripts: tuple[str, ...]
    voices: tuple[str, ...]

    def foreign(self, text: str) -> str:
        """Return the letters of a text that it does not have, in their order."""
        return "".join(
            letter
            for letter in unicodedata.normalize("NFKC", text)
            if letter.isalpha() and not unicodedata.name(letter, "").startswith(self.scripts)
        )


ENGLISH = Language("English", ("LATIN",), ("heart", "michael"))
CHINESE = Language("Chinese and English", ("LATIN", "CJK"), ("xiaobei", "yunxi"))
LANGUAGES = (ENGLISH, CHINESE)
"""Of the voices that are made on this computer."""
ANY = Language("every language", ("",), ("online",))
_LETTERS_OF_HANZI = 4
"""A Chinese character takes as long to say as so many letters."""


def check_speakable(text: str, language: Language) -> None:
    """Refuse what is empty, endless or in a script that a voice does not read."""
    if not any(character.isalnum() for character in text):
        raise InvalidInput("There is nothing to say: type some words.")
    length = sum(_LETTERS_OF_HANZI if _is_hanzi(letter) else 1 for letter in text)
    if length > LONGEST_TEXT:
        raise InvalidInput(
            f"The text has {len(text):,} characters, about {length // 1000} minutes; at most "
            f"{LONGEST_TEXT:,} are accepted, {LONGEST_TEXT // _LETTERS_OF_HANZI:,} where they are "
            "Chinese. Make several videos of it."
        )
    if foreign := language.foreign(text):
        raise InvalidInput(
            f"This voice reads {language.name}; it cannot read {quoted(foreign[:12])}. "
            f"{_advice(text, language)}"
        )


def _is_hanzi(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("CJK")


def _advice(text: str, language: Language) -> str:
    """Name the voices that read a text, or say what else can be done."""
    readers = [voice for each in LANGUAGES if not each.foreign(text) for voice in each.voices]
    if readers:
        return f"Choose the voice {' or '.join(readers)}, which can (--voice {readers[0]})."
    return f"Write that in {language.name}, or give a recording (--audio)."
