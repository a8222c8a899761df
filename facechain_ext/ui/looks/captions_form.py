"""The captions of a look, some pictures at a time, one box each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from facechain_ext.ui.looks.desk import LookDesk
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import not_saved, on
from facechain_ext.ui.page.wording import count

ROWS = 20
SIDE = 96
HINT = (
    "Say what each picture shows, and not how it looks: what captions name stays changeable, the "
    "rest is learned as the look. What more than half of them say, but not all, goes into the "
    "style's prompt."
)


@dataclass(eq=False)
class LookCaptions:
    """A part of the pictures as rows; which one is chosen by their numbers.

    revision: a hidden box that changes when other pictures are to be shown.
    """

    desk: LookDesk

    def __post_init__(self) -> None:
        self.revision = not_saved(
            gr.Textbox(
                show_label=False, label="Look", container=False, elem_classes=["fc-offscreen"]
            )
        )

    def draw(self) -> None:
        self.hint = gr.HTML(_hint(0))
        self.part = not_saved(
            gr.Dropdown(
                ["1"], value="1", label="Show pictures", elem_id=ids.LOOK_PART, visible=False,
                interactive=True,
            )
        )  # fmt: skip
        self.rows: list[tuple[Any, Any, Any]] = [_row(number) for number in range(1, ROWS + 1)]
        self.save = gr.Button("Save these captions", elem_id=ids.LOOK_SAVE, visible=False)
        self.message = gr.HTML()

    def wire(self, look: Any) -> None:
        """Follow the pictures of whichever look is chosen."""
        parts = [part for row in self.rows for part in row]
        outputs = [self.hint, self.save, self.message, *parts]
        on(self.revision.change, self._begin, [look], [self.part, *outputs])
        on(self.part.change, self._show, [look, self.part], outputs)
        boxes = [box for _, _, box in self.rows]
        on(self.save.click, failing_in_place(self._save), [look, self.part, *boxes], [self.message])

    def fingerprint(self, name: str) -> str:
        """Return something that changes when other pictures are to be shown; empty for none."""
        pictures = self.desk.pictures(name)
        return f"{name} {len(pictures)} {pictures[0].stat().st_mtime_ns}" if pictures else ""

    def _begin(self, name: str) -> list[Any]:
        parts = _parts(len(self.desk.pictures(name)))
        choice = gr.update(choices=parts, value=parts[0], visible=len(parts) > 1)
        return [choice, *self._show(name, parts[0])]

    def _show(self, name: str, part: str) -> list[Any]:
        captions = self.desk.captions(name)
        updates: list[Any] = [_hint(len(captions)), gr.update(visible=bool(captions)), ""]
        shown = _of_part([*captions], part)
        for number in range(ROWS):
            if number < len(shown):
                path = shown[number]
                image = markup.picture_file(path, f"picture {path.stem}", SIDE)
                updates += [gr.update(visible=True), image, captions[path]]
            else:
                updates += [gr.update(visible=False), "", ""]
        return updates

    def _save(self, name: str, part: str, *texts: str) -> str:
        shown = _of_part(self.desk.pictures(name), part)
        told = {path.stem: text for path, text in zip(shown, texts, strict=False)}
        changed = self.desk.save_captions(name, told)
        said = f"{count(changed, 'caption')} saved; the next training uses them."
        return markup.message(said if changed else "Nothing has changed.", "good")


def _row(number: int) -> tuple[Any, Any, Any]:
    with gr.Row(visible=False, elem_classes=["fc-caption"]) as row:
        image = gr.HTML()
        box = not_saved(
            gr.Textbox(label=f"What picture {number} shows", lines=2, max_lines=4, scale=4)
        )
    return row, image, box


def _parts(pictures: int) -> list[str]:
    """Name the parts by the numbers of their pictures."""
    starts = range(0, max(pictures, 1), ROWS)
    return [f"{at + 1} to {min(at + ROWS, max(pictures, 1))}" for at in starts]


def _of_part(pictures: list[Path], part: str) -> list[Path]:
    first = part.split(" ")[0]
    at = int(first) - 1 if first.isdigit() else 0
    return pictures[at : at + ROWS]


def _hint(pictures: int) -> str:
    if not pictures:
        return markup.message("Captions can be edited once pictures are kept.", "note")
    return f'<p class="fc-hint">{HINT}</p>'
