"""A template with its numbered faces, and how far the painting is, as the page draws them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape
from pathlib import Path

import numpy as np

from facechain_ext.base.errors import FaceChainError
from facechain_ext.portrait.numbered import NumberedFace
from facechain_ext.templates.template import Template
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.wording import count
from facechain_ext.ui.portraits.template_desk import Looked

_SIDE, _FACE_SIDE, _CARD_SIDE = 900, 96, 320
_CARDS = f".facechain #{ids.TEMPLATE_CARDS} .wrap"
_AROUND = 0.25
"""What is shown around a face of its own, in its box's sides."""


def choices(templates: Sequence[Template]) -> list[tuple[str, str]]:
    """Pair what a card says with the template's name."""
    return [(template.title, template.name) for template in templates]


def sheet(templates: Sequence[Template]) -> str:
    """Return a style sheet that gives every card its picture."""
    rules = [
        # Important: gradio 4 and later put their own classes before every rule of style.css.
        f"{_CARDS} label:nth-of-type({place})::before{{background-image:url({uri})!important}}"
        for place, template in enumerate(templates, 1)
        if (uri := _picture_of(template))
    ]
    return f"<style>{''.join(rules)}</style>" if rules else ""


def _picture_of(template: Template) -> str:
    return _card(template.picture, template.sha256)


@lru_cache(maxsize=256)
def _card(picture: Path, sha256: str) -> str:
    """Return a small picture inside the page; empty for one that is gone or damaged."""
    try:
        return markup.thumbnail_file(picture, _CARD_SIDE)
    except (OSError, FaceChainError):
        return ""


def note(found: Sequence[Template], words: str) -> str:
    """Say that nothing was found, or how many templates there are."""
    if found:
        return f'<p class="fc-hint">{count(len(found), "template")}; check one, or several.</p>'
    told = f"No template has these words: {words.strip()[:60]}." if words else "No templates yet."
    return f'<p class="fc-hint">{escape(told)}</p>'


def also(names: Sequence[str]) -> str:
    """Say which other templates are painted along; nothing where there are none."""
    if not names:
        return ""
    told = f"Also painted, with who came there last or fits: {', '.join(names)}."
    return f'<p class="fc-hint">{escape(told)}</p>'


def numbered(looked: Looked) -> str:
    """Draw the template with a frame and a number around every face."""
    height, width = looked.photo.pixels.shape[:2]
    picture = markup.picture(looked.photo.pixels, "The template", _SIDE)
    frames = "".join(_frame(face, width, height) for face in looked.faces)
    return f'<div class="fc-template">{picture}{frames}</div>'


def _frame(face: NumberedFace, width: int, height: int) -> str:
    x1, y1, x2, y2 = face.face.box
    left, top = max(0.0, 100 * x1 / width), max(0.0, 100 * y1 / height)
    across, down = 100 * (x2 - x1) / width, 100 * (y2 - y1) / height
    place = f"left:{left:.2f}%;top:{top:.2f}%;width:{across:.2f}%;height:{down:.2f}%"
    small = " fc-small" if face.is_small else ""
    return f'<div class="fc-frame{small}" style="{place}"><b>{face.number}</b></div>'


def one_face(looked: Looked, face: NumberedFace) -> str:
    """Draw a face of the template by itself, with its number."""
    x1, y1, x2, y2 = face.face.box
    margin = _AROUND * max(x2 - x1, y2 - y1)
    height, width = looked.photo.pixels.shape[:2]
    left, right = (int(np.clip(x, 0, width)) for x in (x1 - margin, x2 + margin))
    top, bottom = (int(np.clip(y, 0, height)) for y in (y1 - margin, y2 + margin))
    pixels = np.ascontiguousarray(looked.photo.pixels[top:bottom, left:right])
    picture = markup.picture(pixels, f"Face {face.number}", _FACE_SIDE)
    hint = "<small>too small</small>" if face.is_small else ""
    return f'<div class="fc-face">{picture}<b>{face.number}</b>{hint}</div>'
