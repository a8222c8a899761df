"""The choice of a style: search, kinds, cards, and what is known of the chosen one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from facechain_ext.base.errors import InvalidInput
from facechain_ext.styles import Style
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import not_saved, on
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.portraits import styles_view
from facechain_ext.ui.portraits.style_desk import EVERY, Looking, StyleDesk, looking_for, more


@dataclass(eq=False)
class StyleChoice:
    """Draws itself when made; `refresh` is called with every pulse of the page."""

    desk: StyleDesk

    def draw(self, person: Any, default: str) -> Any:
        """Draw everything; return the component that holds the chosen style's name."""
        self.sheet = gr.HTML(elem_id=ids.STYLE_PICTURES, elem_classes=["fc-offscreen"])
        self._draw_search()
        found = self.desk.find(None, Looking(style=default))
        self.cards = gr.Radio(
            styles_view.choices(found.styles, self.desk.marked()),
            value=default,
            label="Style",
            elem_id=ids.STYLE,
            interactive=True,
        )
        self._draw_about()
        self.inputs = [person, self.words, self.kind, self.most, self.cards]
        self._wire()
        return self.cards

    def _draw_search(self) -> None:
        with gr.Row(elem_classes=["fc-fields"]):
            self.words = not_saved(
                gr.Textbox(
                    label="Search styles",
                    placeholder="rain, velvet, Rome",
                    max_lines=1,
                    elem_id=ids.STYLE_SEARCH,
                    min_width=140,
                )
            )
            self.kind = not_saved(
                gr.Dropdown(
                    self.desk.kinds(),
                    value=EVERY,
                    label="Kind of style",
                    elem_id=ids.STYLE_KIND,
                    interactive=True,
                    min_width=140,
                )
            )

    def _draw_about(self) -> None:
        self.most = gr.State(Looking.most)
        self.note = gr.HTML(elem_id=ids.STYLE_NOTE)
        with gr.Row(elem_classes=["fc-style-about"]):
            self.about = gr.HTML(elem_id=ids.STYLE_ABOUT)
            self.mark = gr.Button(
                "Mark as favourite", size="sm", min_width=110, elem_id=ids.STYLE_MARK
            )
        self.show_more = gr.Button("Show more styles", visible=False, elem_id=ids.STYLE_MORE)

    def _wire(self) -> None:
        outputs = [*self.outputs.values()]
        for listener in (self.words.input, self.kind.input, self.cards.change):
            on(listener, self._look, self.inputs, outputs)
        on(self.show_more.click, self._show_more, self.inputs, [self.most, *outputs])
        on(self.mark.click, failing_in_place(self._mark, 3, len(outputs)), self.inputs, outputs)

    @property
    def outputs(self) -> dict[str, Any]:
        return {
            "style_sheet": self.sheet,
            "style": self.cards,
            "style_note": self.note,
            "style_about": self.about,
            "style_mark": self.mark,
            "style_more": self.show_more,
            "style_kind": self.kind,
        }

    def refresh(self, page: Redraw, person: str | None, values: Sequence[Any]) -> None:
        """Put what may have changed; values: of `inputs` after the person."""
        for key, value in zip(self.outputs, self._shown(person, looking_for(values)), strict=True):
            page.put(key, value)

    def _look(self, person: str | None, *values: Any) -> list[Any]:
        return self._shown(person, looking_for(values))

    def _show_more(self, person: str | None, *values: Any) -> list[Any]:
        looking = more(looking_for(values))
        return [looking.most, *self._shown(person, looking)]

    def _mark(self, person: str | None, *values: Any) -> list[Any]:
        looking = looking_for(values)
        if not looking.style:
            raise InvalidInput("Choose a style to mark.")
        self.desk.mark(looking.style)
        return self._shown(person, looking)

    def _about(self, chosen: Style, unfit: Mapping[str, str]) -> str:
        return styles_view.about(chosen, self.desk.cost(chosen), unfit.get(chosen.name, ""))

    def _shown(self, person: str | None, looking: Looking) -> list[Any]:
        """Return all outputs, in their order; the chosen style stays as it is."""
        found, marked = self.desk.find(person, looking), self.desk.marked()
        chosen = self.desk.services.studio.styles.get(looking.style)
        unfit = self.desk.unfit(found.styles)
        about = self._about(chosen, unfit) if chosen else ""
        label = "Unmark" if looking.style in marked else "Mark as favourite"
        return [
            styles_view.sheet(found.styles, unfit),
            gr.update(choices=styles_view.choices(found.styles, marked)),
            styles_view.note(found, looking),
            about,
            gr.update(value=label, interactive=chosen is not None),
            gr.update(visible=found.total > looking.most),
            gr.update(choices=self.desk.kinds()),
        ]
