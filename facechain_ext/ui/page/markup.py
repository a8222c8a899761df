"""Pieces of HTML that every panel uses; all text is escaped."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Literal

from facechain_ext.base.records import Pixels
from facechain_ext.imaging.files import decode
from facechain_ext.imaging.thumbnail import thumbnail

Tone = Literal["error", "good", "note"]

_COMMANDS = re.compile(r" \((?:--|facechain )[^()]*\)| or by facechain models download \w+")
"""What a sentence says to those who type commands: in brackets, or as the other way."""

ROLES = {"error": "alert", "good": "status", "note": "note"}


def message(text: str, tone: Tone = "error") -> str:
    """Return a line that stands where the trouble is; nothing for no text."""
    if not text:
        return ""
    told = escape(_COMMANDS.sub("", text))
    return f'<p class="fc-message fc-{tone}" role="{ROLES[tone]}">{told}</p>'


def is_good(drawn: str) -> bool:
    """Tell whether what `message` drew tells of something that went well."""
    return 'fc-message fc-good"' in (drawn or "")


def live(html: str) -> str:
    """Wrap what the page's script may draw anew without gradio: it changes the inside alone."""
    return f'<div class="fc-live">{html}</div>'


def empty(title: str, hint: str) -> str:
    """Say kindly that there is nothing here yet, and what to do about it."""
    return (
        f'<div class="fc-empty"><strong>{escape(title)}</strong><span>{escape(hint)}</span></div>'
    )


def picture(pixels: Pixels, alt: str, side: int) -> str:
    """Return a picture inside the page, its longer side at most `side` pixels."""
    return f'<img src="{thumbnail(pixels, side)}" alt="{escape(alt)}" loading="lazy">'


def picture_file(path: Path, alt: str, side: int) -> str:
    """Return a picture file inside the page; read again only when it has changed."""
    uri = _file_uri(path, path.stat().st_mtime_ns, side)
    return f'<img src="{uri}" alt="{escape(alt)}" loading="lazy">'


@lru_cache(maxsize=256)
def _file_uri(path: Path, changed: int, side: int) -> str:
    return thumbnail_file(path, side)


def thumbnail_file(path: Path, side: int) -> str:
    return thumbnail(decode(path.read_bytes(), name=path.name), side)
