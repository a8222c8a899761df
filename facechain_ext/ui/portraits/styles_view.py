"""The style gallery: one radio button per style, dressed as a card with a picture."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from html import escape
from pathlib import Path

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


def choices(styles: Sequence[Style], marked: Collection[str] = ()) -> list[tuple[str, str]]:
    """Pair what a card says with the style's name; a favourite has a star."""
    return [(_title(style, style.name in marked), style.name) for style in styles]


def _title(style: Style, marked: bool) -> str:
    return f"{STAR} {style.title}" if marked else style.title


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


def about(style: Style, cost: Cost | None) -> str:
    """Describe the chosen style in a few lines."""
    words = ", ".join(word.strip() for word in style.prompt.split(",") if word.strip() != PERSON)
    told = [style.category, *(f"for a {gender.value}" for gender in style.genders)]
    if style.style_lora:
        told.append(f"LoRA {style.style_lora} at {style.style_lora_weight:g}")
    lines = [
        f"<strong>{escape(style.title)}</strong> <span>{escape(' · '.join(told))}</span>",
        f"<span>{escape(words)}</span>",
        *([f"<span>{escape(cost.told)}</span>"] if cost else []),
    ]
    return f'<div class="fc-style-card">{"<br>".join(lines)}</div>'


@lru_cache(maxsize=256)
def _picture(path: Path, changed: int) -> str:
    return markup.thumbnail_file(path, SIDE)
