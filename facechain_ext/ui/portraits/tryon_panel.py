"""The Try on panel: a garment, who puts it on, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from facechain_ext.base.records import Pixels
from facechain_ext.config import TryOnConfig
from facechain_ext.config.tryon import Part
from facechain_ext.imaging.still import STILL_SUFFIXES, read_still
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import failing_in_place, is_running, sentence
from facechain_ext.ui.page.compat import not_saved, on, paths_of
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.start_stop import draw_start_stop
from facechain_ext.ui.page.widgets import ConfigForm
from facechain_ext.ui.portraits.results_panel import ResultPlace, ResultsPanel
from facechain_ext.ui.portraits.tryon_desk import NOBODY, TryOnDesk
from facechain_ext.ui.portraits.view import progress

LABELS = {
    "way": "How it is put on",
    "mask": "Exchange of whoever wears it",
    "strength": "Strength of the exchange",
    "count": "Pictures to try on",
    "candidates": "Candidates for whoever wears it",
    "attempts": "Attempts for whoever wears it",
    "seed": "Try-on seed",
    "prompt": "Words for clothes and face",
    "negative_prompt": "To avoid in clothes and face",
    "steps": "Steps of the try-on",
    "guidance_scale": "CFG scale of the try-on",
    "sampler_name": "Sampler of the try-on",
    "lora_weight": "LoRA weight of whoever wears it",
    "fusion_strength": "Face fusion of whoever wears it",
    "background": "Background of the clothes",
}
"""Where another panel has a field of the same name."""

RESULTS = ResultPlace(
    key="tryon_",
    whose_id=ids.TRY_ON_WHOSE,
    ranked_id=ids.TRY_ON_RESULTS,
    infotext_id=ids.TRY_ON_INFOTEXT,
    aside_id=ids.TRY_ON_ASIDE,
    noun="try-on",
    title="Tried on",
    columns=(1, 2),
)

_SIDE = 480


@dataclass(eq=False)
class TryOnPanel:
    """Draws itself when made; `refresh` is called with every pulse of the page."""

    desk: TryOnDesk

    def draw(self) -> None:
        """Draw the panel into the page that is being built."""
        services = self.desk.services
        choices = services.sampler_choices()
        self.form = ConfigForm(services.defaults(TryOnConfig), LABELS, choices)
        with gr.Row(elem_classes=["fc-split"]):
            with gr.Column(scale=6, min_width=320):
                self._draw_request()
            with gr.Column(scale=6, min_width=320):
                self.progress = gr.HTML(elem_id=ids.TRY_ON_PROGRESS)
                self.results = ResultsPanel(self.desk, RESULTS, lambda job, earlier: job.title)
                self.results.draw()
        self._wire()

    def _draw_request(self) -> None:
        self.form.draw("way")
        with gr.Row(elem_classes=["fc-outfit"]):
            with gr.Column(min_width=150):
                self.garment = _file("Garment", ids.TRY_ON_GARMENT)
                self.garment_seen = gr.HTML(elem_id=ids.TRY_ON_GARMENT_SEEN)
            with gr.Column(min_width=150):
                self.photo = _file("Photo of who puts it on", ids.TRY_ON_PHOTO)
                self.photo_seen = gr.HTML(elem_id=ids.TRY_ON_PHOTO_SEEN)
        self.form.draw("part")
        self.person = not_saved(
            gr.Dropdown(
                [NOBODY],
                value=NOBODY,
                label="Who it is",
                info="worn: whoever becomes the wearer. fitted: whose pictures these are.",
                elem_id=ids.TRY_ON_PERSON,
                interactive=True,
            )
        )
        self.form.draw("seam", "background")
        with gr.Accordion("More about the try-on", open=False):
            if "sampler_name" in self.form.choices:
                self.form.draw("sampler_name")
            self.form.draw_rest(leave_out=("sampler_name",))
        self._draw_actions()

    def _draw_actions(self) -> None:
        self.message, self.start, self.stop = draw_start_stop(
            "Try on", "Stop try-on", (ids.TRY_ON_MESSAGE, ids.TRY_ON_START, ids.TRY_ON_STOP)
        )

    def _wire(self) -> None:
        seen, part = [self.message, self.garment_seen], self.form.components["part"]
        for changed in (self.garment.change, part.change):
            on(changed, self._look_at_garment, [self.garment, part], seen)
        seen = [self.message, self.photo_seen]
        on(self.photo.change, self._look_at_photo, [self.photo], seen)
        inputs = [self.garment, self.photo, self.person, *self.form.inputs]
        on(self.start.click, failing_in_place(self._start), inputs, [self.message])
        on(self.stop.click, failing_in_place(self._stop), [], [self.message])
        self.results.wire()

    def _look_at_garment(self, file: Any, part: Part = "auto") -> tuple[str, str]:
        told = "The garment as it is cut out"
        return _seen(file, told, lambda path: self.desk.cut_out(path, part))

    def _look_at_photo(self, file: Any) -> tuple[str, str]:
        return _seen(file, "Who puts it on", lambda path: read_still(path).pixels)

    def _start(self, garment: Any, photo: Any, name: str | None, *values: Any) -> str:
        self.desk.try_on(_path(garment), _path(photo), name, self.form.read(values))
        return ""

    def _stop(self) -> str:
        self.desk.stop()
        return ""  # the queue says that it stops

    @property
    def inputs(self) -> list[Any]:
        return [self.person]

    @property
    def outputs(self) -> dict[str, Any]:
        return {
            "tryon_person": self.person,
            "tryon_progress": self.progress,
            "tryon_message": self.message,
            "tryon_stop": self.stop,
            **self.results.outputs,
        }

    def refresh(self, page: Redraw, values: Sequence[Any]) -> None:
        """Put everything that may have changed; values: of `inputs`."""
        names = [NOBODY, *self.desk.names()]
        value = values[0] if values[0] in names else NOBODY
        page.put("tryon_person", gr.update(choices=names, value=value), names)
        job = self.desk.job()
        page.put("tryon_progress", markup.live(progress(self.desk)))
        page.forget_message("tryon", job)
        page.put("tryon_stop", gr.update(interactive=is_running(job)))
        self.results.refresh(page)


def _file(label: str, elem_id: str) -> Any:
    return not_saved(gr.File(label=label, file_types=[*STILL_SUFFIXES], elem_id=elem_id))


def _path(file: Any) -> Path | None:
    return next(iter(paths_of([file] if file else [])), None)


def _seen(file: Any, told: str, read: Callable[[Path], Pixels]) -> tuple[str, str]:
    """Show a picture that was chosen; or nothing, and why."""
    path = _path(file)
    if path is None:
        return "", ""
    try:
        picture = markup.picture(read(path), told, _SIDE)
    except Exception as error:  # noqa: BLE001  `sentence` logs it
        return markup.message(sentence(error)), ""
    return "", f'<div class="fc-garment">{picture}</div>'
