"""The Portraits panel: somebody, a style, ranked pictures with their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from facechain_ext.config import PortraitConfig
from facechain_ext.jobs.queue import Job
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import failing_in_place, is_running
from facechain_ext.ui.page.compat import not_saved, on
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.start_stop import draw_start_stop
from facechain_ext.ui.page.widgets import ConfigForm
from facechain_ext.ui.portraits.controls_form import ControlsForm
from facechain_ext.ui.portraits.desk import PortraitDesk
from facechain_ext.ui.portraits.paste import paste_pairs
from facechain_ext.ui.portraits.pose_again import PoseAgain
from facechain_ext.ui.portraits.results_panel import ResultPlace, ResultsPanel
from facechain_ext.ui.portraits.style_adding import StyleAdding
from facechain_ext.ui.portraits.style_choice import StyleChoice
from facechain_ext.ui.portraits.style_desk import StyleDesk
from facechain_ext.ui.portraits.view import progress

LABELS = {
    "count": "How many",
    "seed": "Portrait seed",
    "min_face_share": "Smallest face in a portrait",
    "max_face_share": "Largest face in a portrait",
}
SAMPLING = ("steps", "guidance_scale", "width", "height")
REDRAWING = ("hires_scale", "restore_faces")
RESULTS = ResultPlace(
    key="",
    whose_id=ids.WHOSE,
    ranked_id=ids.RESULTS,
    infotext_id=ids.INFOTEXT,
    aside_id=ids.ASIDE,
    noun="portrait",
    title="Portraits, best first",
    columns=(2, 4),
)
FACE = ("fusion_strength", "lora_weight", "style_lora_weight")


@dataclass(eq=False)
class PortraitsPanel:
    """Draws itself when made; `refresh` is called with every pulse of the page."""

    desk: PortraitDesk

    def draw(self) -> None:
        """Draw the panel into the page that is being built."""
        services = self.desk.services
        choices = services.sampler_choices()
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
        self.message, self.start, self.stop = draw_start_stop(
            "Make portraits",
            "Stop portraits",
            (ids.PORTRAIT_MESSAGE, ids.GENERATE, ids.STOP_PORTRAITS),
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
        self.controls = ControlsForm(self.form, services.studio.nets, services.studio.read_depth)
        self.controls.draw()
        with gr.Accordion("Likeness", open=False):
            self.form.draw(*FACE)
        with gr.Accordion("Choosing the best", open=False):
            self.form.draw_rest(leave_out=("sampler_name", *REDRAWING))

    def _draw_results(self) -> None:
        self.progress = gr.HTML(elem_id=ids.PORTRAIT_PROGRESS)
        self.pose_again = PoseAgain(self.desk, self.controls)
        self.results = ResultsPanel(self.desk, RESULTS, _whose, self.pose_again.draw)
        self.results.draw()

    def _wire(self) -> None:
        on(self.start.click, failing_in_place(self._generate),
           [self.person, *self.form.inputs], [self.message])  # fmt: skip
        on(self.stop.click, failing_in_place(self._stop), [], [self.message])
        self.results.wire()
        self.pose_again.wire(self.results.gallery)

    def _generate(self, name: str | None, *values: Any) -> str:
        self.desk.generate(name, self.form.read(values))
        return ""

    def _stop(self) -> str:
        self.desk.stop()
        return ""  # the queue says that it stops

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
            **self.results.outputs,
            **self.pose_again.outputs,
        }

    def refresh(self, page: Redraw, values: Sequence[Any]) -> None:
        """Put everything that may have changed; values: of `inputs`."""
        chosen = self._put_people(page, values[0])
        page.put("mismatch", markup.message(self.desk.mismatch(chosen), "note"))
        job = self.desk.job()
        self.styles.refresh(page, chosen, values[1:])
        self.adding.refresh(page)
        page.put("portrait_progress", markup.live(progress(self.desk)))
        page.forget_message("portrait", job)
        page.put("stop_portraits", gr.update(interactive=is_running(job)))
        self.results.refresh(page)
        self._refresh_pose_again(page)

    def _refresh_pose_again(self, page: Redraw) -> None:
        job = self.desk.shown_job()
        ranked = self.desk.results(job).ranked if job else []
        self.pose_again.refresh(page, job.id if job else "", ranked)

    def _put_people(self, page: Redraw, chosen: str | None) -> str | None:
        """List everybody who can be drawn; return who is chosen."""
        names = self.desk.names()
        busy = next((name for name in names if self.desk.is_busy_with(name)), None)
        value = chosen if chosen in names else busy or next(reversed(names), None)
        page.put("portrait_person", gr.update(choices=names, value=value), names)
        return value


def _whose(job: Job, earlier: bool) -> str:
    """Say whose pictures these are; earlier: while others are being made or wait."""
    return f"{'Made before' if earlier else 'Portraits'}: {job.person}"
