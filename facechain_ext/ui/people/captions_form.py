"""The captions of a person's crops, one picture and one box each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from facechain_ext.base.errors import FaceChainError
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.compat import not_saved, on
from facechain_ext.ui.page.wording import count
from facechain_ext.ui.people.desk import PeopleDesk
from facechain_ext.ui.people.verdicts import MOST_PHOTOS

CROP_SIDE = 96
HINT = (
    "What a caption names stays changeable; what none of them names is learned as part of the "
    "person. So name glasses, a beard or a hat that should not always be there."
)


@dataclass(eq=False)
class CaptionsForm:
    """As many rows as photos may be uploaded; those without a crop are hidden.

    revision: a hidden box that changes when the crops do, and draws the rows anew then. It stands
    outside the folded part, whose boxes newer versions of gradio do not watch.
    """

    desk: PeopleDesk

    def __post_init__(self) -> None:
        self.revision = not_saved(
            gr.Textbox(
                show_label=False, label="Crops", container=False, elem_classes=["fc-offscreen"]
            )
        )

    def draw(self) -> None:
        self.hint = gr.HTML(_hint(0))
        self.rows: list[tuple[Any, Any, Any]] = [_row(n) for n in range(1, MOST_PHOTOS + 1)]
        self.save = gr.Button("Save captions", elem_id=ids.SAVE_CAPTIONS, visible=False)
        self.message = gr.HTML()

    def wire(self, person: Any) -> None:
        """Follow the crops of whoever is chosen in `person`."""
        outputs = [self.hint, self.save, self.message, *(part for row in self.rows for part in row)]
        on(self.revision.change, self._show, [person], outputs)
        boxes = [box for _, _, box in self.rows]
        on(self.save.click, self._save, [person, *boxes], [self.message])

    def fingerprint(self, name: str) -> str:
        """Return something that changes when other crops are to be shown; empty for none."""
        made = [caption.picture.stat().st_mtime_ns for caption in self.desk.captions(name)]
        return f"{name} {made}" if made else ""

    def _show(self, name: str) -> list[Any]:
        captions = self.desk.captions(name)
        updates: list[Any] = [_hint(len(captions)), gr.update(visible=bool(captions)), ""]
        for number in range(MOST_PHOTOS):
            if number < len(captions):
                caption = captions[number]
                image = markup.picture_file(caption.picture, f"crop {number + 1}", CROP_SIDE)
                updates += [gr.update(visible=True), image, caption.text]
            else:
                updates += [gr.update(visible=False), "", ""]
        return updates

    def _save(self, name: str, *texts: str) -> str:
        try:
            changed = self.desk.save_captions(name, texts)
        except FaceChainError as error:
            return markup.message(str(error))
        told = f"{count(changed, 'caption')} saved; the next training uses them."
        return markup.message(told if changed else "Nothing has changed.", "good")


def _row(number: int) -> tuple[Any, Any, Any]:
    with gr.Row(visible=False, elem_classes=["fc-caption"]) as row:
        image = gr.HTML()
        box = not_saved(gr.Textbox(label=f"Caption {number}", lines=2, max_lines=4, scale=4))
    return row, image, box


def _hint(crops: int) -> str:
    if not crops:
        return markup.message("Captions can be edited once photos are kept.", "note")
    more = crops - MOST_PHOTOS
    text = HINT if more <= 0 else f"{HINT} {more} more are in the text files of the folder."
    return f'<p class="fc-hint">{text}</p>'
