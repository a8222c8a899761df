"""The People panel: photos in, a trained person out, everything about them looked after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from facechain_ext.base.errors import FaceChainError
from facechain_ext.config import PrepareConfig, TrainConfig
from facechain_ext.library.names import LONGEST_NAME
from facechain_ext.ui.page import compat, markup
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page.actions import failing_in_place, is_running
from facechain_ext.ui.page.compat import UNCHANGED, not_saved, on
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.widgets import ConfigForm
from facechain_ext.ui.people.captions_form import CaptionsForm
from facechain_ext.ui.people.care_form import CareForm
from facechain_ext.ui.people.damaged_form import DamagedForm
from facechain_ext.ui.people.desk import NEW, PeopleDesk
from facechain_ext.ui.people.photos_form import PhotosForm
from facechain_ext.ui.people.publish_form import PublishForm
from facechain_ext.ui.people.verdicts import PhotoCheck
from facechain_ext.ui.people.view import LATEST, PeopleView, title_of

TRAIN_LABELS = {
    "seed": "Training seed",
    "max_train_steps": "Training steps",
    "resolution": "Training resolution",
}
PREPARE_LABELS = {"min_face_px": "Smallest face in a photo"}


@dataclass(eq=False)
class PeoplePanel:
    """Draws itself when made; `refresh` is called with every pulse of the page."""

    desk: PeopleDesk
    view: PeopleView
    check: PhotoCheck

    def draw(self) -> None:
        """Draw the panel into the page that is being built."""
        defaults = self.desk.services.defaults
        self.train_form = ConfigForm(defaults(TrainConfig), TRAIN_LABELS)
        self.prepare_form = ConfigForm(defaults(PrepareConfig), PREPARE_LABELS)
        with gr.Row(elem_classes=["fc-split"]):
            with gr.Column(scale=5, min_width=320):
                self._draw_who()
                self.uploads = PhotosForm(self.check, self.prepare_form, self.desk.services.offline)
                self.uploads.draw()
                self._draw_settings()
                self._draw_actions()
            with gr.Column(scale=7, min_width=320):
                self._draw_training()
                self._draw_captions()
                self.publishing = PublishForm(self.desk, self.view)
                self.publishing.draw()
                self.care = CareForm(self.desk)
                self.care.draw()
        self._wire()

    def _draw_who(self) -> None:
        self.person = not_saved(
            gr.Dropdown([NEW], value=NEW, label="Person", elem_id=ids.PERSON, interactive=True)
        )
        self.name = not_saved(
            gr.Textbox(
                label="Name",
                placeholder="What you call this person",
                elem_id=ids.NAME,
                max_lines=1,
                **compat.limited(LONGEST_NAME),
            )
        )
        self.card = gr.HTML(elem_id=ids.CARD)
        self.damaged = DamagedForm(self.desk)
        self.damaged.draw()

    def _draw_settings(self) -> None:
        with gr.Row(elem_classes=["fc-fields"]):
            self.train_form.draw("max_train_steps", min_width=140)
            self.prepare_form.draw("trigger_word", min_width=140, max_lines=1)
        self.checkpoint = gr.HTML(elem_id=ids.CHECKPOINT)
        with gr.Accordion("More about the training", open=False):
            self.train_form.draw_rest()
        with gr.Accordion("More about the photos", open=False):
            self.prepare_form.draw_rest()

    def _draw_actions(self) -> None:
        """Draw the buttons, which stay in sight while what is above them is scrolled."""
        with gr.Column(elem_classes=["fc-actions"]):
            self.message = gr.HTML(elem_id=ids.TRAIN_MESSAGE)
            with gr.Row():
                self.keep = gr.Button("Keep photos", elem_id=ids.KEEP, min_width=100)
                self.start = gr.Button("Train", variant="primary", elem_id=ids.TRAIN, min_width=100)
                self.stop = not_saved(
                    gr.Button(
                        "Stop",
                        variant="stop",
                        elem_id=ids.STOP_TRAINING,
                        interactive=False,
                        min_width=100,
                    )
                )

    def _draw_training(self) -> None:
        self.progress = gr.HTML(elem_id=ids.PROGRESS)
        with gr.Row(visible=False) as self.stopped:
            self.resume = gr.Button(
                "Go on with it", variant="primary", elem_id=ids.RESUME, min_width=120
            )
            self.discard = gr.Button("Give it up", min_width=120)
        self.curves = gr.HTML(elem_id=ids.CURVES)
        self.samples = gr.HTML(elem_id=ids.SAMPLES)
        self.run = not_saved(
            gr.Dropdown([LATEST], value=LATEST, label="Show training", elem_id=ids.RUN)
        )

    def _draw_captions(self) -> None:
        self.captions = CaptionsForm(self.desk)
        with gr.Accordion("Captions", open=False, elem_id=ids.CAPTIONS):
            self.captions.draw()

    def _wire(self) -> None:
        who = [self.person, self.name]
        photos = self.uploads.photos
        uploads = [photos, self.uploads.consent]
        self.captions.wire(self.person)
        self.publishing.wire(self.person)
        self.damaged.wire()
        self.uploads.wire()
        on(self.person.change, failing_in_place(self._choose, 4, 8),
           [self.person, photos, self.care.message],
           [self.name, self.prepare_form.components["trigger_word"], self.care.question,
            self.care.archive, self.message, self.care.message, self.uploads.verdicts,
            photos])  # fmt: skip
        on(self.keep.click, failing_in_place(self._keep),
           [*who, *uploads, *self.prepare_form.inputs], [self.message])  # fmt: skip
        on(self.start.click, failing_in_place(self._train),
           [*who, *uploads, *self.prepare_form.inputs, *self.train_form.inputs],
           [self.message])  # fmt: skip
        on(self.stop.click, failing_in_place(self._stop), who, [self.message])
        on(self.resume.click, failing_in_place(self._resume), [self.person], [self.message])
        on(self.discard.click, failing_in_place(self._discard), [self.person], [self.message])
        self.care.wire(self.person, photos)

    def _choose(self, name: str, files: Any, told: str) -> list[Any]:
        """Follow the choice of a person; uploads that are not theirs are put away.

        What went well stays told: that somebody is gone lets somebody else be chosen.
        """
        person = self.desk.person(name)
        trigger = UNCHANGED if person is None else person.manifest.trigger_word
        hidden = gr.update(visible=False)
        theirs = self.desk.are_kept(name, compat.paths_of(files))
        away = [UNCHANGED, UNCHANGED] if theirs else ["", None]
        care = UNCHANGED if markup.is_good(told) else ""
        return [gr.update(visible=person is None), trigger, hidden, hidden, "", care, *away]

    def _keep(self, name: str, typed: str, files: Any, consent: bool, *prepare: Any) -> str:
        who, config = title_of(name, typed), self.prepare_form.read(prepare)
        self.desk.keep(who, compat.paths_of(files), consent, config)
        return markup.message(f"The photos of {who} are being kept.", "note")

    def _train(self, name: str, typed: str, files: Any, consent: bool, *values: Any) -> str:
        who, split = title_of(name, typed), len(self.prepare_form.inputs)
        self.desk.train(
            who,
            compat.paths_of(files),
            consent,
            self.prepare_form.read(values[:split]),
            self.train_form.read(values[split:]),
        )
        return markup.message("Under way. This page may be closed meanwhile.", "note")

    def _stop(self, name: str, typed: str) -> str:
        self.desk.stop(title_of(name, typed))
        return ""  # the queue says that it stops

    def _resume(self, name: str) -> str:
        self.desk.resume(name)
        return ""

    def _discard(self, name: str) -> str:
        self.desk.services.studio.discard(name)
        return markup.message("Given up; what it has shown stays in the list.", "note")

    @property
    def inputs(self) -> list[Any]:
        return [self.person, self.name, self.run]

    @property
    def outputs(self) -> dict[str, Any]:
        return {
            "person": self.person,
            "card": self.card,
            **self.uploads.outputs,
            "checkpoint": self.checkpoint,
            "progress": self.progress,
            "curves": self.curves,
            "samples": self.samples,
            "stopped": self.stopped,
            "message": self.message,
            "start": self.start,
            "stop": self.stop,
            "run": self.run,
            "crops": self.captions.revision,
            **self.publishing.outputs,
            **self.damaged.outputs,
        }

    def refresh(self, page: Redraw, values: Sequence[Any]) -> tuple[str, str]:
        """Put everything that may have changed; values: of `inputs`.

        Returns who is shown, and which of their trainings.
        """
        chosen, typed, choice = values
        chosen = self._put_people(page, chosen, typed)
        who = title_of(chosen, typed)
        person, job = self.desk.person(who), self.desk.job(who)
        drawn = self.view.training(who, choice)
        page.put("card", self.view.card(chosen))
        page.put("checkpoint", self._checkpoint())
        self.uploads.refresh(page)
        page.put("progress", markup.live(drawn.progress))
        page.put("curves", markup.live(drawn.curves))
        page.put("samples", markup.live(drawn.samples))
        waiting = person is not None and not is_running(job)
        page.put("stopped", gr.update(visible=waiting and self.desk.can_resume(who)))
        if page.has_changed("over", job.id if job and job.state.over else ""):
            page.values["message"] = ""  # what it says of a job is no longer so
        page.put("start", gr.update(interactive=not is_running(job)))
        page.put("stop", gr.update(interactive=is_running(job)))
        runs = [LATEST, *(self.view.runs(person) if person else ())]
        value = choice if choice in runs else LATEST
        page.put("run", gr.update(choices=runs, value=value, visible=len(runs) > 2), runs)
        page.put("crops", self.captions.fingerprint(chosen))
        self.publishing.refresh(page, person)
        self.damaged.refresh(page)
        return who, value

    def _put_people(self, page: Redraw, chosen: str, typed: str) -> str:
        """List the people anew where somebody came or went; return who is chosen then."""
        names = self.desk.names()
        choices = [NEW, *names]
        if not page.has_changed("people", names):
            page.values["person"] = UNCHANGED
            return chosen
        before = chosen
        if page.first or chosen not in choices:
            chosen = self._whom_to_show(names)
        elif chosen == NEW and (made := self.desk.person(typed.strip())):
            chosen = made.manifest.name
        # A value, even the same one, counts as a choice, which puts photos away.
        value: dict[str, Any] = {} if chosen == before else {"value": chosen}
        page.values["person"] = gr.update(choices=choices, **value)
        return chosen

    def _whom_to_show(self, names: Sequence[str]) -> str:
        """Choose for a page that was just opened: who is being trained, else the first."""
        busy = [name for name in names if is_running(self.desk.job(name))]
        return next(iter([*busy, *names]), NEW)

    def _checkpoint(self) -> str:
        try:
            name = self.desk.services.studio.host.current_checkpoint().name
        except FaceChainError as error:
            return markup.message(str(error))
        return f'<p class="fc-hint">Trains on <strong>{escape(name)}</strong>.</p>'
