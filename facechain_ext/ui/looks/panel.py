"""The Styles panel: pictures of a look in, a style with a LoRA of its own out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from facechain_ext.base.errors import FaceChainError
from facechain_ext.config import TrainStyleConfig
from facechain_ext.config.setting import settings_of
from facechain_ext.library.names import LONGEST_NAME
from facechain_ext.studio.look_keeping import FEWEST, MOST
from facechain_ext.ui.looks import view
from facechain_ext.ui.looks.captions_form import LookCaptions
from facechain_ext.ui.looks.desk import NEW, LookDesk
from facechain_ext.ui.page import compat, markup
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page.actions import failing_in_place, is_running
from facechain_ext.ui.page.compat import UNCHANGED, not_saved, on
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.widgets import ConfigForm

PICTURES = [".jpg", ".jpeg", ".png", ".webp", ".JPG", ".JPEG", ".PNG", ".WEBP", ".txt"]
LABELS = {
    name: f"{each.label} of the style" for name, each in settings_of(TrainStyleConfig).items()
}
HINT = (
    "Use pictures that you may use. A .txt of the same name, chosen with its picture, is its "
    "caption."
)


@dataclass(eq=False)
class LookPanel:
    """Draws itself when made; `refresh` is called with every pulse of the page."""

    desk: LookDesk

    def draw(self) -> None:
        """Draw the panel into the page that is being built."""
        self.form = ConfigForm(TrainStyleConfig(), LABELS)
        with gr.Row(elem_classes=["fc-split"]):
            with gr.Column(scale=5, min_width=320):
                self._draw_look()
                self._draw_settings()
                self._draw_actions()
            with gr.Column(scale=7, min_width=320):
                self._draw_training()
                self.captions = LookCaptions(self.desk)
                with gr.Accordion("Captions of the look", open=False, elem_id=ids.LOOK_CAPTIONS):
                    self.captions.draw()
                self._draw_care()
        self._wire()

    def _draw_look(self) -> None:
        self.look = not_saved(
            gr.Dropdown([NEW], value=NEW, label="Look", elem_id=ids.LOOK, interactive=True)
        )
        self.name = not_saved(
            gr.Textbox(
                label="Name of the style",
                placeholder="What you call this look",
                elem_id=ids.LOOK_NAME,
                max_lines=1,
                **compat.limited(LONGEST_NAME),
            )
        )
        self.about = gr.HTML(elem_id=ids.LOOK_ABOUT)
        self.pictures = not_saved(
            gr.File(
                label=f"Pictures of the look: {FEWEST} to {MOST}",
                file_count="multiple",
                file_types=PICTURES,
                elem_id=ids.LOOK_PICTURES,
            )
        )
        self.hint = gr.HTML(f'<p class="fc-hint">{HINT}</p>')

    def _draw_settings(self) -> None:
        self.form.draw("captions")
        with gr.Row(elem_classes=["fc-fields"]):
            self.form.draw("max_train_steps", "trigger_word", min_width=140)
        self.checkpoint = gr.HTML(_checkpoint(self.desk))
        with gr.Accordion("More about the style's training", open=False):
            self.form.draw_rest()

    def _draw_actions(self) -> None:
        with gr.Column(elem_classes=["fc-actions"]):
            self.message = gr.HTML(elem_id=ids.LOOK_MESSAGE)
            with gr.Row():
                self.keep = gr.Button("Keep them", elem_id=ids.LOOK_KEEP, min_width=100)
                self.start = gr.Button(
                    "Train style", variant="primary", elem_id=ids.LOOK_TRAIN, min_width=100
                )
                self.stop = gr.Button(
                    "Stop style", variant="stop", elem_id=ids.LOOK_STOP, interactive=False,
                    min_width=100,
                )  # fmt: skip

    def _draw_training(self) -> None:
        self.progress = gr.HTML(elem_id=ids.LOOK_PROGRESS)
        self.resume = gr.Button(
            "Go on with the stopped training", variant="primary", elem_id=ids.LOOK_RESUME,
            visible=False,
        )  # fmt: skip
        self.curves = gr.HTML(elem_id=ids.LOOK_CURVES)
        self.samples = gr.HTML(elem_id=ids.LOOK_SAMPLES)

    def _draw_care(self) -> None:
        with gr.Accordion("Delete the pictures", open=False):
            gr.HTML(
                '<p class="fc-hint">Pictures and trainings go; the style and its LoRA stay.</p>'
            )
            self.sure = not_saved(gr.Checkbox(label="Delete this look's pictures", value=False))
            self.delete = gr.Button("Delete the look", elem_id=ids.LOOK_DELETE)
            self.care_message = gr.HTML()

    def _wire(self) -> None:
        self.captions.wire(self.look)
        order = [self.look, self.name, self.pictures, *self.form.inputs]
        on(self.look.change, self._choose, [self.look],
           [self.name, self.pictures, self.hint, self.message])  # fmt: skip
        on(self.keep.click, failing_in_place(self._keep), order, [self.message])
        on(self.start.click, failing_in_place(self._train), order, [self.message])
        on(self.stop.click, failing_in_place(self._stop), [], [self.message])
        on(self.resume.click, failing_in_place(self._resume), [self.look], [self.message])
        on(self.delete.click, failing_in_place(self._delete, 1, 2), [self.look, self.sure],
           [self.sure, self.care_message])  # fmt: skip

    def _choose(self, name: str) -> list[Any]:
        new = self.desk.look(name) is None
        shown = gr.update(visible=new)
        return [shown, gr.update(value=None, visible=new), shown, ""]

    def _keep(self, chosen: str, typed: str, files: Any, *values: Any) -> str:
        name = _named(chosen, typed)
        self.desk.keep(name, compat.paths_of(files), self.form.read(values))
        return markup.message(f"The pictures of {name} are being kept.", "note")

    def _train(self, chosen: str, typed: str, files: Any, *values: Any) -> str:
        pictures = [] if self.desk.look(chosen) else compat.paths_of(files)
        self.desk.train(_named(chosen, typed), pictures, self.form.read(values))
        return markup.message("Under way. This page may be closed meanwhile.", "note")

    def _stop(self) -> str:
        self.desk.stop()
        return ""  # the queue says that it stops

    def _resume(self, name: str) -> str:
        self.desk.resume(name)
        return ""

    def _delete(self, name: str, sure: bool) -> tuple[Any, str]:
        if not sure:
            return UNCHANGED, markup.message("Tick the box first.")
        self.desk.delete(name)
        return False, markup.message(f"The pictures of {name} are gone.", "good")

    @property
    def inputs(self) -> list[Any]:
        return [self.look, self.name]

    @property
    def outputs(self) -> dict[str, Any]:
        return {
            "look": self.look,
            "look_about": self.about,
            "look_checkpoint": self.checkpoint,
            "look_progress": self.progress,
            "look_curves": self.curves,
            "look_samples": self.samples,
            "look_resume": self.resume,
            "look_message": self.message,
            "look_start": self.start,
            "look_stop": self.stop,
            "look_pictures": self.captions.revision,
        }

    def refresh(self, page: Redraw, values: Sequence[Any]) -> None:
        """Put everything that may have changed; values: of `inputs`."""
        chosen, job = self._put_looks(page, *values), self.desk.job()
        page.put("look_about", view.about(self.desk, chosen))
        page.put("look_checkpoint", _checkpoint(self.desk))
        drawn = view.training(self.desk)
        page.put("look_progress", markup.live(drawn[ids.LOOK_PROGRESS]))
        page.put("look_curves", markup.live(drawn[ids.LOOK_CURVES]))
        page.put("look_samples", markup.live(drawn[ids.LOOK_SAMPLES]))
        page.put("look_resume", gr.update(visible=self.desk.can_resume(chosen)))
        page.forget_message("look", job)
        page.put("look_start", gr.update(interactive=not is_running(job)))
        page.put("look_stop", gr.update(interactive=is_running(job)))
        page.put("look_pictures", self.captions.fingerprint(chosen))

    def _put_looks(self, page: Redraw, chosen: str, typed: str) -> str:
        """List the looks anew where one came or went; return which is chosen then."""
        names = self.desk.names()
        if not page.has_changed("looks", names):
            page.values["look"] = UNCHANGED
            return chosen
        before = chosen
        if page.first and names:
            chosen = names[0]
        elif chosen == NEW and (made := self.desk.look(typed or "")) is not None:
            chosen = made.name
        elif chosen not in (NEW, *names):
            chosen = NEW
        value: dict[str, Any] = {} if chosen == before else {"value": chosen}
        page.values["look"] = gr.update(choices=[NEW, *names], **value)
        return chosen


def _named(chosen: str, typed: str) -> str:
    return typed.strip() if chosen in ("", NEW) else chosen


def _checkpoint(desk: LookDesk) -> str:
    try:
        name = desk.services.studio.host.current_checkpoint().name
    except FaceChainError as error:
        return markup.message(str(error))
    return f'<p class="fc-hint">Trains on <strong>{escape(name)}</strong>.</p>'
