"""The choice of templates: search, cards to check, and templates of one's own to keep or remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import as_typed, not_saved, on, paths_of
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.wording import listed
from facechain_ext.ui.portraits import template_view as view
from facechain_ext.ui.portraits.template_desk import TemplateDesk


@dataclass(eq=False)
class TemplateChoice:
    """Draws itself in two parts, the cards and the fold below them."""

    desk: TemplateDesk

    def draw(self) -> Any:
        """Draw search and cards; return the component that holds the checked names."""
        self.sheet = gr.HTML(elem_id=ids.TEMPLATE_PICTURES, elem_classes=["fc-offscreen"])
        self.words = not_saved(
            gr.Textbox(
                label="Search templates",
                placeholder="garden, 3 faces",
                max_lines=1,
                elem_id=ids.TEMPLATE_SEARCH,
            )
        )
        self.cards = as_typed(
            not_saved(
                gr.CheckboxGroup(
                    view.choices(self.desk.found("", ())),
                    value=[],
                    label="Templates",
                    elem_id=ids.TEMPLATE_CARDS,
                    interactive=True,
                )
            )
        )
        self.note = gr.HTML()
        return self.cards

    def draw_own(self, file: Any) -> None:
        """Draw what keeps the picture that was uploaded, and removes what was kept."""
        with gr.Accordion("Templates of your own", open=False):
            self.tags = not_saved(
                gr.Textbox(
                    label="Tags",
                    placeholder="park, friends",
                    max_lines=1,
                    elem_id=ids.TEMPLATE_TAGS,
                )
            )
            with gr.Row():
                keep = gr.Button("Keep this picture", size="sm", elem_id=ids.TEMPLATE_KEEP)
                remove = gr.Button("Remove the checked", size="sm", elem_id=ids.TEMPLATE_REMOVE)
            self.message = gr.HTML(elem_id=ids.TEMPLATE_OWN)
        shown = [self.message, *self.outputs.values()]
        on(self.words.input, self._shown, [self.words, self.cards], [*self.outputs.values()])
        for button, action in ((keep, self._keep), (remove, self._remove)):
            inputs = [file, self.tags, self.words, self.cards]
            on(button.click, failing_in_place(action, 0, len(shown)), inputs, shown)

    @property
    def outputs(self) -> dict[str, Any]:
        return {
            "template_sheet": self.sheet,
            "template_cards": self.cards,
            "template_note": self.note,
        }

    @property
    def inputs(self) -> list[Any]:
        return [self.words, self.cards]

    def refresh(self, page: Redraw, values: Sequence[Any]) -> None:
        """Put what may have changed; values: of `inputs`."""
        for key, value in zip(self.outputs, self._shown(*values), strict=True):
            page.put(key, value)

    def _shown(self, words: str | None, checked: Sequence[str] | None) -> list[Any]:
        """Return all outputs in their order; what is checked stays so while it is there."""
        found = self.desk.found(words or "", checked or ())
        there = {template.name for template in found}
        kept = [name for name in checked or () if name in there]
        # No value where it stays: what somebody checks meanwhile would be taken back.
        changed: dict[str, Any] = {} if kept == [*(checked or ())] else {"value": kept}
        cards = gr.update(choices=view.choices(found), **changed)
        return [view.sheet(found), cards, view.note(found, words or "")]

    def _keep(self, file: Any, tags: str, words: str, checked: Sequence[str]) -> list[Any]:
        kept = self.desk.keep(paths_of([file] if file else []), (tags or "").split(","))
        told = markup.message(f"Kept as {kept.name}.", "good")
        return [told, *self._shown(words, checked)]

    def _remove(self, file: Any, tags: str, words: str, checked: Sequence[str]) -> list[Any]:
        gone = self.desk.remove(checked or ())
        told = markup.message(f"Removed: {listed(gone)}.", "good")
        return [told, *self._shown(words, checked)]
