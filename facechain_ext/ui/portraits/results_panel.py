"""What a job has drawn: ranked pictures, how they were made, and those set aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from facechain_ext.jobs.queue import Job
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import is_running
from facechain_ext.ui.page.compat import SENDS_PICTURES, UNCHANGED, not_saved, on
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.services import SendSources
from facechain_ext.ui.portraits.desk import PortraitDesk, Results


@dataclass(frozen=True)
class ResultPlace:
    """Where results stand on the page, by element ids, and how they are called.

    key: how the names of their outputs begin. columns: of the ranked, and of those set aside.
    """

    key: str
    whose_id: str
    ranked_id: str
    infotext_id: str
    aside_id: str
    noun: str
    title: str
    columns: tuple[int, int]


@dataclass(eq=False)
class ResultsPanel:
    """The results of a desk's jobs. whose: says whose they are, earlier ones or the latest.

    below: draws what stands below the ranked pictures.
    """

    desk: PortraitDesk
    place: ResultPlace
    whose: Callable[[Job, bool], str]
    below: Callable[[], None] | None = None

    def draw(self) -> None:
        """Draw the results, unseen until there are some."""
        place = self.place
        ranked_columns, aside_columns = place.columns
        with gr.Column(visible=False) as self.shown:
            self.told = gr.HTML(elem_id=place.whose_id)
            with gr.Column() as self.ranked:
                self.gallery = _gallery(place.title, place.ranked_id, ranked_columns)
                if self.below is not None:
                    self.below()
            self.notes = gr.HTML()
            self.infotext = not_saved(
                gr.Textbox(
                    label=f"Settings of the selected {place.noun}",
                    lines=3,
                    max_lines=8,
                    interactive=False,
                    elem_id=place.infotext_id,
                )
            )
            self._draw_sending()
            with gr.Accordion("Set aside", open=False) as self.aside_fold:
                self.aside = _gallery("Pictures set aside", place.aside_id, aside_columns)

    def _draw_sending(self) -> None:
        if self.desk.services.send_buttons is not None:
            sources = SendSources(self.gallery, self.infotext, self.place.key)
            with gr.Row(elem_classes=["fc-send"]):
                self.desk.services.send_buttons(sources)

    def wire(self) -> None:
        """Have a selected picture's settings shown."""
        on(self.gallery.select, self._describe, [], [self.infotext])
        on(self.aside.select, self._describe_aside, [], [self.infotext])

    def _describe(self, event: gr.SelectData) -> Any:
        shown = self._shown()
        return _at(shown.infotexts if shown else [], event.index)

    def _describe_aside(self, event: gr.SelectData) -> Any:
        shown = self._shown()
        return _at(shown.aside_infotexts if shown else [], event.index)

    def _shown(self) -> Results | None:
        job = self.desk.shown_job()
        return self.desk.results(job) if job else None

    @property
    def outputs(self) -> dict[str, Any]:
        named = {
            "shown": self.shown,
            "whose": self.told,
            "ranked": self.ranked,
            "results": self.gallery,
            "notes": self.notes,
            "infotext": self.infotext,
            "aside_fold": self.aside_fold,
            "aside": self.aside,
        }
        return {self.place.key + name: component for name, component in named.items()}

    def refresh(self, page: Redraw) -> None:
        """Put what the latest job has left, or nothing."""
        key, job = self.place.key, self.desk.shown_job()
        shown = self.desk.results(job) if job else None
        mark = job.id if job else ""
        page.put(f"{key}shown", gr.update(visible=shown is not None))
        page.put(f"{key}whose", self._whose(job) if job and shown else "")
        page.put(f"{key}ranked", gr.update(visible=bool(shown and shown.ranked)))
        page.put(f"{key}results", shown.ranked if shown else [], mark)
        page.put(f"{key}aside", shown.aside if shown else [], mark)
        label = f"Set aside ({len(shown.aside)})" if shown else "Set aside"
        unfolded: dict[str, Any] = {"open": True} if shown and not shown.ranked else {}
        page.put(f"{key}aside_fold", gr.update(label=label, **unfolded))
        first = [*shown.infotexts, *shown.aside_infotexts][:1] if shown else []
        page.put(f"{key}infotext", "".join(first), mark)
        page.put(f"{key}notes", _notes(shown) if shown else "")

    def _whose(self, job: Job) -> str:
        told = self.whose(job, is_running(self.desk.job()))
        return f'<h4 class="fc-whose">{escape(told)}</h4>'


def _gallery(label: str, elem_id: str, columns: int) -> Any:
    return gr.Gallery(
        label=label,
        show_label=False,
        columns=columns,
        object_fit="contain",
        height="auto",
        elem_id=elem_id,
        **SENDS_PICTURES,
    )


def _at(infotexts: Sequence[str], place: int) -> Any:
    """Return one of the infotexts; nothing new where other pictures have come since."""
    return infotexts[place] if place < len(infotexts) else UNCHANGED


def _notes(shown: Results) -> str:
    notes = "".join(markup.message(note, "note") for note in shown.notes)
    if shown.folder is None:
        return notes
    return f'<p class="fc-hint">Saved in <code>{escape(str(shown.folder))}</code></p>' + notes
