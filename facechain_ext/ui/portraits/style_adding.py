"""Styles from elsewhere, on the page: from files that somebody sent, or from a LoRA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import UNCHANGED, not_saved, on, paths_of
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.wording import listed
from facechain_ext.ui.portraits import styles_view
from facechain_ext.ui.portraits.style_desk import StyleDesk

NONE = "none"


@dataclass(eq=False)
class StyleAdding:
    """A fold with a picker for style files and a list of LoRAs, the chosen one's card below."""

    desk: StyleDesk

    def draw(self) -> None:
        with gr.Accordion("Add styles", open=False):
            self.files = not_saved(
                gr.File(
                    label="Style files, FaceChain's own too",
                    file_types=[".json"],
                    file_count="multiple",
                    elem_id=ids.STYLE_FILES,
                    height=100,
                )
            )
            self.lora = not_saved(
                gr.Dropdown(
                    [NONE, *self.desk.loras()],
                    value=NONE,
                    label="Or from a LoRA",
                    elem_id=ids.STYLE_LORA,
                    interactive=True,
                )
            )
            self.card = gr.HTML(elem_id=ids.STYLE_LORA_CARD)
            self.add = gr.Button("Add to the styles", size="sm", elem_id=ids.STYLE_ADD)
            self.message = gr.HTML(elem_id=ids.STYLE_ADDED)
        self._wire()

    def _wire(self) -> None:
        on(self.lora.input, self._describe, [self.lora], [self.card, self.add])
        outputs = [self.message, self.files]
        on(self.add.click, failing_in_place(self._add, 0, 2), [self.files, self.lora], outputs)

    @property
    def outputs(self) -> dict[str, Any]:
        return {"style_lora": self.lora}

    def refresh(self, page: Redraw) -> None:
        names = [NONE, *self.desk.loras()]
        page.put("style_lora", gr.update(choices=names), names)

    def _describe(self, name: str) -> tuple[str, Any]:
        """Show a LoRA's card; one that does not fit the checkpoint cannot be added, and why."""
        if name == NONE:
            return "", gr.update(interactive=True)
        told = failing_in_place(self._card)(name)
        if isinstance(told, str):
            return told, gr.update(interactive=False)
        card, fits = told
        return card, gr.update(interactive=fits)

    def _card(self, name: str) -> tuple[str, bool]:
        style = self.desk.lora_style(name)
        unfit = self.desk.unfit([style]).get(style.name, "")
        return styles_view.about(style, None, unfit), not unfit

    def _add(self, files: Any, lora: str) -> tuple[str, Any]:
        added, notes = self.desk.add(paths_of(files), lora)
        told = markup.message(f"Added: {listed(added)}.", "good") if added else ""
        said = "".join(markup.message(note, "note" if added else "error") for note in notes)
        return told + said, gr.update(value=None) if added else UNCHANGED
