"""Which script a text is written in, so that no voice reads out what it does not know."""

from __future__ import annotations

import unicodedata

from facechain_ext.base.errors import InvalidInput, quoted
from facechain_ext.config.talking import LONGEST_TEXT


def foreign_letters(text: str, script: str) -> str:
    """Return the letters of a text that are not of a script, such as LATIN, in their order."""
    return "".join(
        letter
        for letter in text
        if letter.isalpha() and not unicodedata.name(letter, "").startswith(script)
    )


def check_speakable(text: str, *, script: str, language: str) -> None:
    """Refuse what is empty, endless or in a script that a voice does not read."""
    if not any(character.isalnum() for character in text):
        raise InvalidInput("There is nothing to say: type some words.")
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(
            f"The text has {len(text):,} characters, about {len(text) // 1000} minutes; at most "
            f"{LONGEST_TEXT:,} are accepted. Make several videos of it."
        )
    if foreign := foreign_letters(text, script):
        raise InvalidInput(
            f"This voice reads {language}; it cannot read {quoted(foreign[:12])}. Write that in "
            f"{language}, or give a recording with --audio."
        )
