"""Names of people: who is meant by one, and which folder it gets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from itertools import count

from facechain_ext.base.errors import InvalidInput

LONGEST_NAME = 100
"""Letters of a name, so that pages, tags and file names keep their shape."""

LONGEST_SLUG = 60
NO_LETTERS = "person"
"""The folder of a name without a Latin letter or digit."""

RESERVED_ON_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)")


def tidy(name: str) -> str:
    """Return a name as it is kept: composed (Unicode NFC), one space between words."""
    return " ".join(unicodedata.normalize("NFC", name).split())


@lru_cache(maxsize=2**17)  # asked of everybody, whenever somebody is looked for
def identity(name: str) -> str:
    """Return what two names of one person have in common: all but case and spacing.

    Accents, signs and scripts tell people apart: José is not Jose, Ana (2019) not Ana 2019.
    """
    return unicodedata.normalize("NFC", tidy(name).lower())


def checked(name: str, what: str = "a person") -> str:
    """Return a new person's name, tidied; raises InvalidInput where it cannot be one.

    what: is named by it, where it is no person.
    """
    name = tidy(name)
    kinds = [unicodedata.category(letter) for letter in name]
    if "Cs" in kinds or "Cc" in kinds:
        raise InvalidInput(f"{name!a} cannot name {what}: it holds what is no text.")
    if not any(kind[0] in "LN" or kind == "So" for kind in kinds):
        raise InvalidInput(
            f"{name!r} cannot name {what}: use at least one letter, digit or emoji of any script."
        )
    if len(name) > LONGEST_NAME:
        raise InvalidInput(
            f"This name has {len(name)} letters; {LONGEST_NAME} are the most. Choose a shorter one."
        )
    return name


def slugify(name: str) -> str:
    """Return what can be read of a name in lower-case ASCII letters, digits and hyphens.

    Different names may come to the same: it is a folder's wish, not an identity. Raises
    InvalidInput where `checked` does.
    """
    ascii_name = unicodedata.normalize("NFKD", checked(name)).encode("ascii", "ignore").decode()
    readable = re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")[:LONGEST_SLUG].rstrip("-")
    return (
        f"{readable}-{NO_LETTERS}"
        if RESERVED_ON_WINDOWS.fullmatch(readable)
        else (readable or NO_LETTERS)
    )


def free_slug(name: str, is_taken: Callable[[str], bool]) -> str:
    """Return a folder of its own for a name, numbered where others came first."""
    wish = slugify(name)
    wishes = (wish if number == 1 else f"{wish}-{number}" for number in count(1))
    return next(slug for slug in wishes if not is_taken(slug))


def fits(slug: str, name: str) -> bool:
    """Tell whether a folder is one that a name could have got."""
    return re.fullmatch(re.escape(slugify(name)) + r"(-\d+)?", slug) is not None


def typed_as_slug(name: str) -> str:
    """Return the folder that somebody may mean who types a slug, with spaces for hyphens too."""
    return tidy(name).replace(" ", "-")
