"""The Templates panel: a picture, a drop-down under each of its faces, ranked results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from facechain_ext.config import TemplateConfig
from facechain_ext.imaging.still import STILL_SUFFIXES
from facechain_ext.portrait.numbered import MOST_FACES, NumberedFace
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import failing_in_place, is_running, sentence
from facechain_ext.ui.page.compat import as_typed, not_saved, on, paths_of
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.start_stop import draw_start_stop
from facechain_ext.ui.page.widgets import ConfigForm
from facechain_ext.ui.portraits import template_view as view
from facechain_ext.ui.portraits.results_panel import ResultPlace, ResultsPanel
from facechain_ext.ui.portraits.template_choice import TemplateChoice
from facechain_ext.ui.portraits.template_desk import LEFT, Looked, TemplateDesk
from facechain_ext.ui.portraits.view import progress

LABELS = {
    "strength": "Strength of the painting",
    "count": "How many pictures",
    "seed": "Template seed",
    "prompt": "Words for every face",
    "negative_prompt": "To avoid in every face",
    "steps": "Steps of the painting",
    "guidance_scale": "CFG scale of the painting",
    "sampler_name": "Sampler of the painting",
    "lora_weight": "LoRA weight of each person",
    "fusion_strength": "Face fusion of each face",
}
"""Where another panel has a field of the same name."""

RESULTS = ResultPlace(
    key="template_",
    whose_id=ids.TEMPLATE_WHOSE,
    ranked_id=ids.TEMPLATE_RESULTS,
    infotext_id=ids.TEMPLATE_INFOTEXT,
    aside_id=ids.TEMPLATE_ASIDE,
    noun="picture",
    title="Pictures, best first",
    columns=(1, 2),
)


@dataclass(eq=False)
class TemplatePanel:
    """Draws itself when made; `refresh` is called with every pulse of the page."""

    desk: TemplateDesk

    def __post_init__(self) -> None:
        self.choice = TemplateChoice(self.desk)

    def draw(self) -> None:
        """Draw the panel into the page that is being built."""
        services = self.desk.services
        choices = services.sampler_choices()
        self.form = ConfigForm(services.defaults(TemplateConfig), LABELS, choices)
        with gr.Row(elem_classes=["fc-split"]):
            with gr.Column(scale=6, min_width=320):
                self._draw_request()
            with gr.Column(scale=6, min_width=320):
                self._draw_results()
        self._wire()

    def _draw_request(self) -> None:
        self.cards = self.choice.draw()
        self.template = not_saved(
            gr.File(
                label="Or a picture with one face or more",
                file_types=[*STILL_SUFFIXES],
                elem_id=ids.TEMPLATE,
            )
        )
        self.picture = gr.HTML(elem_id=ids.TEMPLATE_PICTURE)
        with gr.Row(elem_id=ids.TEMPLATE_FACES, elem_classes=["fc-faces"]):
            self.faces = [self._draw_face(number) for number in range(1, MOST_FACES + 1)]
        self.choice.draw_own(self.template)
        self._draw_words()
        self.form.draw("mask", "strength")
        with gr.Row(elem_classes=["fc-fields"]):
            self.form.draw("count", "seed", min_width=140)
        with gr.Accordion("More about the painting", open=False):
            if "sampler_name" in self.form.choices:
                self.form.draw("sampler_name")
            self.form.draw_rest(leave_out=("sampler_name",))
        self.message, self.start, self.stop = draw_start_stop(
            "Paint", "Stop painting", (ids.TEMPLATE_MESSAGE, ids.TEMPLATE_START, ids.TEMPLATE_STOP)
        )

    def _draw_words(self) -> None:
        with gr.Accordion("From words", open=False):
            self.words = not_saved(
                gr.Textbox(
                    label="What the picture shows",
                    placeholder="three friends in a park",
                    info="Drawn first and kept as a template, where no other is chosen.",
                    max_lines=2,
                    elem_id=ids.TEMPLATE_WORDS,
                )
            )
            self.who = as_typed(
                not_saved(
                    gr.Dropdown(
                        self.desk.names(),
                        value=[],
                        multiselect=True,
                        label="Who comes into it",
                        elem_id=ids.TEMPLATE_WHO,
                        interactive=True,
                    )
                )
            )

    def _draw_face(self, number: int) -> tuple[Any, Any, Any]:
        """Draw the place of a face, unseen until there is one: a column, its face, who comes."""
        with gr.Column(visible=False, min_width=130) as column:
            face = gr.HTML()
            who = not_saved(
                gr.Dropdown(
                    [LEFT],
                    value=LEFT,
                    label=f"Face {number}",
                    elem_id=ids.template_face(number),
                    interactive=True,
                )
            )
        return column, face, who

    def _draw_results(self) -> None:
        self.progress = gr.HTML(elem_id=ids.TEMPLATE_PROGRESS)
        self.results = ResultsPanel(self.desk, RESULTS, lambda job, earlier: job.title)
        self.results.draw()

    def _wire(self) -> None:
        shown = [self.message, self.picture, *(part for face in self.faces for part in face)]
        for listener in (self.template.change, self.cards.change):
            on(listener, self._look, [self.template, self.cards], shown)
        names = [who for _, _, who in self.faces]
        on(
            self.start.click,
            failing_in_place(self._start),
            [self.template, self.cards, self.words, self.who, *names, *self.form.inputs],
            [self.message],
        )
        on(self.stop.click, failing_in_place(self._stop), [], [self.message])
        self.results.wire()

    def _look(self, file: Any, checked: Sequence[str] | None = None) -> tuple[Any, ...]:
        """Show the first template with its faces; or nothing, and why."""
        if not file and not checked:
            return "", "", *self._unseen(0)
        try:
            paths = self._pictures(file, checked)
            looked = self.desk.look(paths[0])
        except Exception as error:  # noqa: BLE001  `sentence` logs it
            return markup.message(sentence(error)), "", *self._unseen(0)
        names = self.desk.names()
        seen = [part for face in looked.faces for part in _seen(looked, face, names)]
        shown = view.numbered(looked) + view.also([path.stem for path in paths[1:]])
        return "", shown, *seen, *self._unseen(len(looked.faces))

    def _pictures(self, file: Any, checked: Sequence[str] | None) -> list[Path]:
        """Return the upload, then the checked templates."""
        return [*paths_of([file] if file else []), *self.desk.pictures(checked or ())]

    def _unseen(self, faces: int) -> list[Any]:
        nobody = (gr.update(visible=False), "", gr.update(choices=[LEFT], value=LEFT))
        return [*nobody] * (MOST_FACES - faces)

    def _start(
        self, file: Any, checked: Sequence[str], words: str, who: Sequence[str], *values: Any
    ) -> str:
        chosen, config = values[:MOST_FACES], self.form.read(values[MOST_FACES:])
        paths = self._pictures(file, checked)
        if (words or "").strip() and not paths:
            self.desk.paint_words(words, who or (), config)
        else:
            self.desk.paint(paths, chosen, config)
        return ""

    def _stop(self) -> str:
        self.desk.stop()
        return ""  # the queue says that it stops

    @property
    def inputs(self) -> list[Any]:
        return [self.who, *self.choice.inputs]

    @property
    def outputs(self) -> dict[str, Any]:
        return {
            "template_progress": self.progress,
            "template_message": self.message,
            "template_stop": self.stop,
            "template_who": self.who,
            **self.choice.outputs,
            **self.results.outputs,
        }

    def refresh(self, page: Redraw, values: Sequence[Any]) -> None:
        """Put everything that may have changed; values: of `inputs`."""
        names = self.desk.names()
        who = [name for name in values[0] or () if name in names]
        page.put("template_who", gr.update(choices=names, value=who), names)
        self.choice.refresh(page, values[1:])
        job = self.desk.job()
        page.put("template_progress", markup.live(progress(self.desk)))
        page.forget_message("template", job)
        page.put("template_stop", gr.update(interactive=is_running(job)))
        self.results.refresh(page)


def _seen(looked: Looked, face: NumberedFace, names: list[str]) -> tuple[Any, Any, Any]:
    chosen = looked.cast.get(face.number, LEFT)
    who = gr.update(choices=[LEFT] if face.is_small else [LEFT, *names], value=chosen)
    return gr.update(visible=True), view.one_face(looked, face), who
