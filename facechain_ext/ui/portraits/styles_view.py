"""The style gallery: one radio button per style, dressed as a card with a picture."""

from __future__ import annotations

import re
from base64 import b64decode
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import lru_cache
from html import escape
from pathlib import Path

from facechain_ext.base.errors import InvalidInput
from facechain_ext.imaging.files import decode
from facechain_ext.imaging.thumbnail import thumbnail
from facechain_ext.studio.style_likeness import Cost
from facechain_ext.styles import Style
from facechain_ext.styles.catalog import PREVIEWS
from facechain_ext.styles.style import PERSON
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.wording import count
from facechain_ext.ui.portraits.style_desk import MADE, MARKED, Found, Looking

SIDE = 192

CARDS = f".facechain #{ids.STYLE} .wrap"
STAR = "★"

COLOURS = {
    "red": "#a8584f", "pink": "#c7909c", "brown": "#8b705a", "yellow": "#c2a25a",
    "gold": "#b8974f", "green": "#67886a", "blue": "#64829f", "purple": "#7d6d94",
    "dark": "#41454d", "gray": "#8f9398", "light": "#cfd0d2", "white": "#e9e8e5",
}  # fmt: skip
"""What a card without a picture shows of its style's background."""

_BACKGROUND = re.compile(r"\b(\w+) background\b")


def choices(styles: Sequence[Style], marked: Collection[str] = ()) -> list[tuple[str, str]]:
    """Pair what a card says with the style's name; a favourite has a star."""
    return [(_title(style, style.name in marked), style.name) for style in styles]


def _title(style: Style, marked: bool) -> str:
    return f"{STAR} {style.title}" if marked else style.title


def sheet(styles: Sequence[Style], unfit: Collection[str] = (), folder: Path = PREVIEWS) -> str:
    """Return a style sheet that gives every card its picture, or the colour of its background.

    unfit: names of those that cannot be used now, whose cards are greyed.
    """
    rules, plain = [], defaultdict(list)
    for place, style in enumerate(styles, 1):
        card = f"{CARDS} label:nth-of-type({place})::before"
        if uri := _picture_of(style, folder):
            # Important: gradio 4 and later put their own classes before every rule of style.css.
            rules.append(f"{card}{{background-image:url({uri})!important}}")
        elif (said := _BACKGROUND.search(style.prompt)) and said[1] in COLOURS:
            plain[COLOURS[said[1]]].append(card)
        if style.name in unfit:
            rules.append(f"{CARDS} label:nth-of-type({place}){{opacity:.45;filter:grayscale(1)}}")
    for colour, cards in plain.items():
        rules.append(f"{','.join(cards)}{{background-color:{colour}!important}}")
    return f"<style>{''.join(rules)}</style>" if rules else ""


def _picture_of(style: Style, folder: Path) -> str:
    """Return the address of a style's picture; empty where it has none."""
    if style.preview:
        return _own_picture(style.preview)
    path = folder / f"{style.name}.jpg"
    return _picture(path, path.stat().st_mtime_ns) if path.is_file() else ""


@lru_cache(maxsize=256)
def _own_picture(address: str) -> str:
    """Draw a style's own picture anew, so that nothing else reaches the page; empty if damaged."""
    try:
        pixels = decode(b64decode(address.partition(",")[2]), name="A style's preview")
    except (InvalidInput, ValueError):
        return ""
    return thumbnail(pixels, SIDE)


def note(found: Found, looking: Looking) -> str:
    """Say how many styles were found, or why there are none."""
    if not found.total:
        return f'<p class="fc-hint">{escape(_why_none(looking))}</p>'
    shown = min(found.total, looking.most)
    told = count(found.total, "style") + (f", {shown} of them shown" * (shown < found.total))
    return f'<p class="fc-hint">{escape(told)}</p>'


def _why_none(looking: Looking) -> str:
    if looking.words.strip():
        return f"No style has these words: {looking.words.strip()[:60]}."
    if looking.kind == MARKED:
        return "No favourites yet: choose a style and mark it."
    if looking.kind == MADE:
        return "No portrait of this person has been kept yet."
    return "No style of this kind suits this person."


def about(style: Style, cost: Cost | None, unfit: str = "") -> str:
    """Describe the chosen style in a few lines; unfit: why it cannot be used now."""
    words = ", ".join(word.strip() for word in style.prompt.split(",") if word.strip() != PERSON)
    told = [style.category, *(f"for a {gender.value}" for gender in style.genders)]
    if style.style_lora:
        told.append(f"LoRA {style.style_lora} at {style.style_lora_weight:g}")
    told += [each for each in (style.base_model, style.licence) if each]
    lines = [
        f"<strong>{escape(style.title)}</strong> <span>{escape(' · '.join(told))}</span>",
        f"<span>{escape(words)}</span>",
        *([f"<span>{escape(cost.told)}</span>"] if cost else []),
    ]
    warned = markup.message(unfit, "note")
    return f'<div class="fc-style-card">{"<br>".join(lines)}</div>{warned}'


@lru_cache(maxsize=256)
def _picture(path: Path, changed: int) -> str:
    return markup.thumbnail_file(path, SIDE)
