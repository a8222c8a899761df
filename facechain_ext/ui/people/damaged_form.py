"""Those of the library who cannot be read: whom to delete all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import not_saved, on
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.people.desk import PeopleDesk


@dataclass(eq=False)
class DamagedForm:
    """To be seen where there are any; what is wrong with each stands at the top of the page."""

    desk: PeopleDesk

    def draw(self) -> None:
        with gr.Column(visible=False) as self.box:
            with gr.Row(equal_height=False):
                self.who = not_saved(
                    gr.Dropdown(
                        [], label="Cannot be read", elem_id=ids.DAMAGED, interactive=True, scale=3
                    )
                )
                self.delete = not_saved(
                    gr.Button("Delete …", elem_id=ids.DAMAGED_DELETE, min_width=120, scale=1)
                )
            with gr.Column(visible=False) as self.question:
                self.goes = gr.HTML(elem_id=ids.DAMAGED_QUESTION)
                with gr.Row():
                    self.confirmed = not_saved(
                        gr.Button("Delete for good", variant="stop", elem_id=ids.DAMAGED_CONFIRMED)
                    )
                    self.spared = not_saved(gr.Button("Keep it"))
        self.message = gr.HTML(elem_id=ids.DAMAGED_MESSAGE)

    def wire(self) -> None:
        hidden = gr.update(visible=False)
        on(self.delete.click, failing_in_place(self._ask, 2, 3), [self.who],
           [self.question, self.goes, self.message])  # fmt: skip
        on(self.spared.click, lambda: hidden, [], [self.question])
        on(self.who.change, lambda: hidden, [], [self.question])
        on(self.confirmed.click, failing_in_place(self._delete, 2, 3), [self.who],
           [self.box, self.question, self.message], queue=True)  # fmt: skip

    @property
    def outputs(self) -> dict[str, Any]:
        return {"damaged": self.box, "damaged_who": self.who}

    def refresh(self, page: Redraw) -> None:
        folders = [person.slug for person in self.desk.damaged()]
        page.put("damaged", gr.update(visible=bool(folders)))
        page.put("damaged_who", _choices(folders), folders)

    def _ask(self, folder: str) -> tuple[Any, str, str]:
        return gr.update(visible=True), markup.message(self.desk.what_goes_of_damaged(folder)), ""

    def _delete(self, folder: str) -> tuple[Any, Any, str]:
        self.desk.delete_damaged(folder)
        left = gr.update(visible=bool(self.desk.damaged()))
        told = markup.message(f"Everything about {folder} is gone.", "good")
        return left, gr.update(visible=False), told


def _choices(folders: Sequence[str]) -> Any:
    return gr.update(choices=[*folders], value=next(iter(folders), None))
