"""The style gallery: one radio button per style, dressed as a card with a picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from facechain_ext.styles import Style
from facechain_ext.styles.catalog import PREVIEWS
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup

SIDE = 192

CARDS = f".facechain #{ids.STYLE} .wrap"


def choices(styles: Sequence[Style]) -> list[tuple[str, str]]:
    return [(style.title, style.name) for style in styles]


def sheet(styles: Sequence[Style], folder: Path = PREVIEWS) -> str:
    """Return a style sheet that gives every card its picture; cards without one stay neutral."""
    rules = []
    for place, style in enumerate(styles, 1):
        path = folder / f"{style.name}.jpg"
        if path.is_file():
            uri = _picture(path, path.stat().st_mtime_ns)
            card = f"{CARDS} label:nth-of-type({place})::before"
            # Important: gradio 4 and later put their own classes before every rule of style.css.
            rules.append(f"{card}{{background-image:url({uri})!important}}")
    return f"<style>{''.join(rules)}</style>" if rules else ""


@lru_cache(maxsize=256)
def _picture(path: Path, changed: int) -> str:
    return markup.thumbnail_file(path, SIDE)
