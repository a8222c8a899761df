"""The Portraits panel: somebody, a style, ranked pictures with their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from facechain_ext.config import PortraitConfig
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import failing_in_place, is_running
from facechain_ext.ui.page.compat import SENDS_PICTURES, UNCHANGED, not_saved, on
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.services import SendSources
from facechain_ext.ui.page.widgets import ConfigForm
from facechain_ext.ui.portraits import view
from facechain_ext.ui.portraits.controls_form import ControlsForm
from facechain_ext.ui.portraits.desk import PortraitDesk, Results
from facechain_ext.ui.portraits.paste import paste_pairs
from facechain_ext.ui.portraits.style_adding import StyleAdding
from facechain_ext.ui.portraits.style_choice import StyleChoice
from facechain_ext.ui.portraits.style_desk import StyleDesk

LABELS = {
    "count": "How many",
    "seed": "Portrait seed",
    "min_face_share": "Smallest face in a portrait",
    "max_face_share": "Largest face in a portrait",
}
SAMPLING = ("steps", "guidance_scale", "width", "height")
REDRAWING = ("hires_scale", "restore_faces")
FACE = ("fusion_strength", "lora_weight", "style_lora_weight")


@dataclass(eq=False)
class PortraitsPanel:
    """Draws itself when made; `refresh` is called with every pulse of the page."""

    desk: PortraitDesk

    def draw(self) -> None:
        """Draw the panel into the page that is being built."""
        services = self.desk.services
        samplers = [*services.sampler_names()]
        choices = {"sampler_name": samplers} if samplers else {}
        self.form = ConfigForm(services.defaults(PortraitConfig), LABELS, choices)
        with gr.Row(elem_classes=["fc-split"]):
            with gr.Column(scale=5, min_width=320):
                self._draw_request()
            with gr.Column(scale=7, min_width=320):
                self._draw_results()
        self._wire()
        if services.paste_fields is not None:
            services.paste_fields(paste_pairs(self.form, self.person))

    def _draw_request(self) -> None:
        self.person = not_saved(
            gr.Dropdown([], label="Portraits of", elem_id=ids.PORTRAIT_PERSON, interactive=True)
        )
        self.mismatch = gr.HTML(elem_id=ids.MISMATCH)
        self._draw_styles()
        self.form.draw("prompt", lines=2)
        self.form.draw("negative_prompt", lines=1)
        with gr.Row(elem_classes=["fc-fields"]):
            self.form.draw("count", "seed", min_width=140)
        self.form.draw("output_size", "fast")
        self._draw_more()
        self._draw_actions()

    def _draw_actions(self) -> None:
        """Draw the buttons, which stay in sight while the settings above them are scrolled."""
        with gr.Column(elem_classes=["fc-actions"]):
            self.message = gr.HTML(elem_id=ids.PORTRAIT_MESSAGE)
            with gr.Row():
                self.start = gr.Button(
                    "Make portraits", variant="primary", elem_id=ids.GENERATE, min_width=120
                )
                self.stop = gr.Button(
                    "Stop portraits",
                    variant="stop",
                    elem_id=ids.STOP_PORTRAITS,
                    interactive=False,
                    min_width=100,
                )

    def _draw_styles(self) -> None:
        self.styles = StyleChoice(StyleDesk(self.desk.services))
        default = self.form.defaults.style
        self.form.components["style"] = self.styles.draw(self.person, default)
        self.adding = StyleAdding(self.styles.desk)
        self.adding.draw()

    def _draw_more(self) -> None:
        services = self.desk.services
        with gr.Accordion("Size and sampling", open=False):
            if "sampler_name" in self.form.choices:
                self.form.draw("sampler_name")
            self.form.draw(*SAMPLING)
            if services.redraws:
                self.form.draw(*REDRAWING)
        ControlsForm(self.form, services.studio.nets).draw()
        with gr.Accordion("Likeness", open=False):
            self.form.draw(*FACE)
        with gr.Accordion("Choosing the best", open=False):
            self.form.draw_rest(leave_out=("sampler_name", *REDRAWING))

    def _draw_results(self) -> None:
        self.progress = gr.HTML(elem_id=ids.PORTRAIT_PROGRESS)
        with gr.Column(visible=False) as self.shown:
            self._draw_shown()

    def _draw_shown(self) -> None:
        self.whose = gr.HTML(elem_id=ids.WHOSE)
        with gr.Column() as self.ranked:
            self.results = _gallery("Portraits, best first", ids.RESULTS, columns=2)
        self.notes = gr.HTML()
        self.infotext = not_saved(
            gr.Textbox(
                label="Settings of the selected portrait",
                lines=3,
                max_lines=8,
                interactive=False,
                elem_id=ids.INFOTEXT,
            )
        )
        if self.desk.services.send_buttons is not None:
            with gr.Row(elem_classes=["fc-send"]):
                self.desk.services.send_buttons(SendSources(self.results, self.infotext))
        with gr.Accordion("Set aside", open=False) as self.aside_fold:
            self.aside = _gallery("Pictures set aside", ids.ASIDE, columns=4)

    def _wire(self) -> None:
        on(self.start.click, failing_in_place(self._generate),
           [self.person, *self.form.inputs], [self.message])  # fmt: skip
        on(self.stop.click, failing_in_place(self._stop), [], [self.message])
        on(self.results.select, self._describe, [], [self.infotext])
        on(self.aside.select, self._describe_aside, [], [self.infotext])

    def _generate(self, name: str | None, *values: Any) -> str:
        self.desk.generate(name, self.form.read(values))
        return ""

    def _stop(self) -> str:
        self.desk.stop()
        return ""  # the queue says that it stops

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
    def inputs(self) -> list[Any]:
        return self.styles.inputs

    @property
    def outputs(self) -> dict[str, Any]:
        return {
            "portrait_person": self.person,
            **self.styles.outputs,
            **self.adding.outputs,
            "portrait_progress": self.progress,
            "portrait_message": self.message,
            "stop_portraits": self.stop,
            "mismatch": self.mismatch,
            "shown": self.shown,
            "whose": self.whose,
            "ranked": self.ranked,
            "results": self.results,
            "notes": self.notes,
            "infotext": self.infotext,
            "aside_fold": self.aside_fold,
            "aside": self.aside,
        }

    def refresh(self, page: Redraw, values: Sequence[Any]) -> None:
        """Put everything that may have changed; values: of `inputs`."""
        chosen = self._put_people(page, values[0])
        page.put("mismatch", markup.message(self.desk.mismatch(chosen), "note"))
        job = self.desk.job()
        self.styles.refresh(page, chosen, values[1:])
        self.adding.refresh(page)
        page.put("portrait_progress", markup.live(view.progress(self.desk)))
        if page.has_changed("portraits_over", job.id if job and job.state.over else ""):
            page.values["portrait_message"] = ""  # what it says of a job is no longer so
        page.put("stop_portraits", gr.update(interactive=is_running(job)))
        self._put_results(page)

    def _put_people(self, page: Redraw, chosen: str | None) -> str | None:
        """List everybody who can be drawn; return who is chosen."""
        names = self.desk.names()
        busy = next((name for name in names if self.desk.is_busy_with(name)), None)
        value = chosen if chosen in names else busy or next(reversed(names), None)
        page.put("portrait_person", gr.update(choices=names, value=value), names)
        return value

    def _put_results(self, page: Redraw) -> None:
        job = self.desk.shown_job()
        shown = self.desk.results(job) if job else None
        mark = job.id if job else ""
        page.put("shown", gr.update(visible=shown is not None))
        page.put("whose", _whose(shown, earlier=is_running(self.desk.job())) if shown else "")
        page.put("ranked", gr.update(visible=bool(shown and shown.ranked)))
        page.put("results", shown.ranked if shown else [], mark)
        page.put("aside", shown.aside if shown else [], mark)
        label = f"Set aside ({len(shown.aside)})" if shown else "Set aside"
        unfolded: dict[str, Any] = {"open": True} if shown and not shown.ranked else {}
        page.put("aside_fold", gr.update(label=label, **unfolded))
        first = [*shown.infotexts, *shown.aside_infotexts][:1] if shown else []
        page.put("infotext", "".join(first), mark)
        page.put("notes", _notes(shown) if shown else "")


def _gallery(label: str, elem_id: str, *, columns: int) -> Any:
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


def _whose(shown: Results, *, earlier: bool) -> str:
    """Say whose pictures these are; earlier: while others are being made or wait."""
    told = f"{'Made before' if earlier else 'Portraits'}: {shown.whose}"
    return f'<h4 class="fc-whose">{escape(told)}</h4>'


def _notes(shown: Results) -> str:
    notes = "".join(markup.message(note, "note") for note in shown.notes)
    if shown.folder is None:
        return notes
    return f'<p class="fc-hint">Saved in <code>{escape(str(shown.folder))}</code></p>' + notes
