"""A person renamed, exported or deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from facechain_ext.library.names import LONGEST_NAME
from facechain_ext.ui.page import compat, markup
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import not_saved, on
from facechain_ext.ui.page.copies import folder_for
from facechain_ext.ui.people.desk import PeopleDesk


@dataclass(eq=False)
class CareForm:
    """Stands in a fold; nothing goes without a question."""

    desk: PeopleDesk

    def draw(self) -> None:
        with gr.Accordion("Rename, export, delete", open=False):
            with gr.Row():
                self.new_name = not_saved(
                    gr.Textbox(
                        label="New name",
                        elem_id=ids.NEW_NAME,
                        max_lines=1,
                        **compat.limited(LONGEST_NAME),
                    )
                )
                self.rename = gr.Button("Rename", elem_id=ids.RENAME, min_width=120)
            with gr.Row():
                self.export = gr.Button("Export as zip", elem_id=ids.EXPORT, min_width=120)
                self.delete = gr.Button("Delete …", elem_id=ids.DELETE, min_width=120)
            self.archive = not_saved(
                gr.File(label="Export", visible=False, interactive=False, elem_id=ids.ARCHIVE)
            )
            self._draw_question()
            self.message = gr.HTML()

    def _draw_question(self) -> None:
        with gr.Column(visible=False) as self.question:
            self.goes = gr.HTML(elem_id=ids.DELETE_QUESTION)
            with gr.Row():
                self.confirmed = gr.Button(
                    "Delete for good", variant="stop", elem_id=ids.DELETE_CONFIRMED
                )
                self.spared = gr.Button("Keep everything")

    def wire(self, person: Any, photos: Any) -> None:
        """Look after whoever is chosen in `person`; photos: the uploads, which go along."""
        on(self.rename.click, failing_in_place(self._rename), [person, self.new_name],
           [self.message])  # fmt: skip
        on(self.export.click, failing_in_place(self._export, 1, 2), [person],
           [self.archive, self.message], queue=True)  # fmt: skip
        on(self.delete.click, failing_in_place(self._ask, 2, 3), [person],
           [self.question, self.goes, self.message])  # fmt: skip
        on(self.spared.click, lambda: gr.update(visible=False), [], [self.question])
        # gradio reads uploads again with whatever comes next, and fails where they went along.
        emptied = on(self.confirmed.click, lambda: None, [], [photos])
        on(emptied.then, failing_in_place(self._delete, 1, 2), [person],
           [self.question, self.message])  # fmt: skip

    def _rename(self, name: str, new_name: str) -> str:
        person = self.desk.rename(name, new_name)
        return markup.message(f"Now called {person.manifest.name}.", "good")

    def _export(self, name: str) -> tuple[Any, str]:
        archive = self.desk.export(name, folder_for(name))
        return gr.update(value=str(archive), visible=True), ""

    def _ask(self, name: str) -> tuple[Any, str, str]:
        return gr.update(visible=True), markup.message(self.desk.what_goes(name)), ""

    def _delete(self, name: str) -> tuple[Any, str]:
        self.desk.delete(name)
        return gr.update(visible=False), markup.message(f"Everything about {name} is gone.", "good")
