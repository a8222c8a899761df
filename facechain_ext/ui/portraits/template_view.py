"""A template with its numbered faces, and how far the painting is, as the page draws them."""

from __future__ import annotations

import numpy as np

from facechain_ext.portrait.numbered import NumberedFace
from facechain_ext.ui.page import markup
from facechain_ext.ui.portraits.template_desk import Looked

_SIDE, _FACE_SIDE = 900, 96
_AROUND = 0.25
"""What is shown around a face of its own, in its box's sides."""


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
