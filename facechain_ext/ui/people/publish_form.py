"""A person's LoRAs, and how an earlier snapshot of a training becomes one more."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from facechain_ext.base.errors import InvalidInput
from facechain_ext.library.people import Person, Run
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import UNCHANGED, not_saved, on
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.wording import listed
from facechain_ext.ui.people.desk import PeopleDesk
from facechain_ext.ui.people.view import PeopleView

HINT = (
    "Every snapshot of a training can be a LoRA of its own, beside those that are there. An "
    "earlier one knows the face less well, and leaves more to the prompt."
)


@dataclass(eq=False)
class PublishForm:
    """Stands in a fold, which is to be seen for people who have snapshots or LoRAs."""

    desk: PeopleDesk
    view: PeopleView

    def draw(self) -> None:
        with gr.Accordion("LoRAs and snapshots", open=False, visible=False) as self.fold:
            self.loras = gr.HTML(elem_id=ids.LORAS)
            gr.HTML(f'<p class="fc-hint">{HINT}</p>')
            with gr.Row():
                self.run = _choice("Training", ids.PUBLISH_RUN)
                self.step = _choice("Snapshot", ids.PUBLISH_STEP)
            with gr.Row():
                self.name = not_saved(
                    gr.Textbox(
                        label="LoRA name",
                        placeholder="The person's name",
                        elem_id=ids.PUBLISH_NAME,
                        max_lines=1,
                    )
                )
                self.publish = gr.Button("Publish", elem_id=ids.PUBLISH, min_width=120)
            self.message = gr.HTML(elem_id=ids.PUBLISH_MESSAGE)

    def wire(self, person: Any) -> None:
        """Follow whoever is chosen in `person`."""
        on(self.run.change, self._steps, [person, self.run], [self.step])
        on(person.change, lambda: ("", ""), [], [self.name, self.message])
        on(self.publish.click, failing_in_place(self._publish, 0, 3),
           [person, self.run, self.step, self.name],
           [self.message, self.loras, self.name], queue=True)  # fmt: skip

    @property
    def outputs(self) -> dict[str, Any]:
        return {
            "publishing": self.fold,
            "loras": self.loras,
            "publish_run": self.run,
            "publish_step": self.step,
        }

    def refresh(self, page: Redraw, person: Person | None) -> None:
        """Put a person's LoRAs and trainings; what is chosen stays until there are others."""
        runs = [*self.view.with_snapshots(person)] if person else []
        loras = person.manifest.runs if person else ()
        page.put("publishing", gr.update(visible=bool(runs or loras)))
        page.put("loras", drawn(loras))
        shown = (person.slug if person else "", runs)
        newest = next(iter(runs), None)
        page.put("publish_run", gr.update(choices=runs, value=newest), shown)
        if page.values["publish_run"] != UNCHANGED:
            none = gr.update(choices=[], value=None)
            steps = self._steps(person.manifest.name, newest) if person and runs else none
            page.values["publish_step"] = steps

    def _steps(self, name: str, run: str | None) -> Any:
        """Offer the snapshots of a training, the one that it kept first chosen.

        What is shown stays where the training is not the person's: gradio 6 tells of a choice that
        is drawn for the first time before it knows who was chosen with it.
        """
        person = self.desk.person(name)
        runs = self.view.with_snapshots(person) if person else {}
        if person is None or run not in runs:
            return UNCHANGED
        steps = self.view.snapshots(person, runs[run])
        return gr.update(choices=[*steps], value=self.view.favourite(person, runs[run]))

    def _publish(self, name: str, run: str, step: str, lora_name: str) -> tuple[str, str, str]:
        person = self.desk.person(name)
        runs = self.view.with_snapshots(person) if person else {}
        steps = self.view.snapshots(person, runs[run]) if person and run in runs else {}
        if step not in steps:
            raise InvalidInput("Choose a training and one of its snapshots first.")
        lora = self.desk.services.studio.publish(name, runs[run], steps[step], lora_name.strip())
        called = f"<lora:{lora.alias or lora.name}:{lora.weight:g}>"
        told = f"Published as {lora.name}. In any prompt: {lora.trigger_word} {called}"
        now = self.desk.person(name)
        return markup.message(told, "good"), drawn(now.manifest.runs if now else ()), ""


def drawn(loras: tuple[Run, ...]) -> str:
    """Draw what prompts call a person's LoRAs, the newest first."""
    rows = "".join(
        f"<li><code>{escape(f'<lora:{run.prompt_name}:1>')}</code> {escape(_facts(run))}</li>"
        for run in reversed(loras)
    )
    return f'<ul class="fc-loras">{rows}</ul>' if rows else ""


def _facts(run: Run) -> str:
    alike = "" if run.similarity is None else f", likeness {run.similarity:.2f}"
    return f"step {listed([*map(str, run.steps)])}{alike}, on {run.checkpoint}"


def _choice(label: str, element: str) -> Any:
    return not_saved(gr.Dropdown([], label=label, elem_id=element, interactive=True, min_width=180))
