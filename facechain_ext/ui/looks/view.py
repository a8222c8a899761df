"""A style's training as the page draws it, and the look that is chosen."""

from __future__ import annotations

from html import escape

from facechain_ext.base.errors import FaceChainError
from facechain_ext.ui.looks.desk import LookDesk
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup, training_view
from facechain_ext.ui.page.training_view import Measure
from facechain_ext.ui.page.wording import count

SIDE = 96
SHOWN = 8
NEARNESS = Measure(
    "Nearness",
    "The number tells how near colour and texture come to the pictures: 1 is as near as they are "
    "to each other.",
)


def training(desk: LookDesk) -> dict[str, str]:
    """Draw what is going on with styles, or went on last: HTML by element id."""
    job = desk.job()
    if job is None:
        hint = "Give 10 to 200 pictures that have a look in common, and press Train."
        return {
            ids.LOOK_PROGRESS: markup.empty("No style trained yet", hint),
            ids.LOOK_CURVES: "",
            ids.LOOK_SAMPLES: "",
        }
    log = desk.log(job)
    refused = [p.verdict.message for p in log.photos.values() if not p.verdict.accepted]
    told = "".join(markup.message(message, "note") for message in refused)
    return {
        ids.LOOK_PROGRESS: training_view.progress(job, log, NEARNESS) + told,
        ids.LOOK_CURVES: training_view.curves(log, NEARNESS),
        ids.LOOK_SAMPLES: training_view.samples(log, NEARNESS),
    }


def about(desk: LookDesk, name: str) -> str:
    """Draw the chosen look: some of its pictures, and the style that was made of it; and what is
    wrong with those that cannot be read."""
    damaged = desk.services.studio.style_trainings.looks.damaged()
    return _chosen(desk, name) + "".join(markup.message(str(error)) for error in damaged)


def _chosen(desk: LookDesk, name: str) -> str:
    try:
        look = desk.look(name)
        if look is None:
            return ""
        pictures = look.pictures()
        style = desk.services.studio.styles.get(look.slug)
    except FaceChainError as error:
        return markup.message(str(error))
    shown = "".join(markup.picture_file(path, "", SIDE) for path in pictures[:SHOWN])
    made = (
        "Not trained yet."
        if style is None
        else f"Choose the style <strong>{escape(style.title)}</strong> under Portraits: "
        f"<code>{escape(style.prompt)}</code>"
    )
    facts = f"trigger word <code>{escape(look.manifest.trigger_word)}</code>"
    return (
        f'<p class="fc-hint">{count(len(pictures), "picture")} kept · {facts}. {made}</p>'
        f'<div class="fc-strip">{shown}</div>'
    )
