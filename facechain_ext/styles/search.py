"""Which of many styles are meant by a category and a few typed words."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache

from facechain_ext.styles.style import Style

MOST_REMEMBERED = 4096


def find_styles(
    styles: Iterable[Style],
    words: str = "",
    category: str = "",
    among: Collection[str] | None = None,
) -> list[Style]:
    """Return the styles that have every word in title, name, category or prompt, in their order.

    Case and accents do not matter. category: empty for all. among: names to choose from.
    """
    wanted = plain(words).split()
    return [
        style
        for style in styles
        if category in ("", style.category)
        and (among is None or style.name in among)
        and all(word in _searched(style) for word in wanted)
    ]


def plain(text: str) -> str:
    """Return a text without case and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


@lru_cache(maxsize=MOST_REMEMBERED)
def _searched(style: Style) -> str:
    return plain(f"{style.title} {style.name} {style.category} {style.shot} {style.prompt}")
