"""The whole tab: its pages under one root, and the pulse that keeps them up to date."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Protocol

import gradio as gr

from facechain_ext.ui import live
from facechain_ext.ui.looks.desk import LookDesk
from facechain_ext.ui.looks.panel import LookPanel
from facechain_ext.ui.page import compat, markup
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page.compat import UNCHANGED
from facechain_ext.ui.page.redraw import Redraw, Seen
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.people.desk import PeopleDesk
from facechain_ext.ui.people.panel import PeoplePanel
from facechain_ext.ui.people.verdicts import PhotoCheck
from facechain_ext.ui.people.view import PeopleView, title_of
from facechain_ext.ui.portraits.desk import PortraitDesk
from facechain_ext.ui.portraits.panel import PortraitsPanel
from facechain_ext.ui.portraits.template_desk import TemplateDesk
from facechain_ext.ui.portraits.template_panel import TemplatePanel
from facechain_ext.ui.portraits.tryon_desk import TryOnDesk
from facechain_ext.ui.portraits.tryon_panel import TryOnPanel
from facechain_ext.ui.queue_panel import QueuePanel
from facechain_ext.ui.settings.panel import SettingsPanel
from facechain_ext.ui.talking.desk import TalkDesk
from facechain_ext.ui.talking.panel import TalkPanel


def build_tab(services: Services, **looks: Any) -> gr.Blocks:
    """Build the page; looks: css and theme, outside a webui."""
    page = compat.new_blocks("FaceChain", **looks)
    with page:
        draw_tab(services)
    return page


def draw_tab(services: Services) -> None:
    """Draw everything into the page that is being built."""
    desk = PeopleDesk(services)
    people = PeoplePanel(desk, PeopleView(desk), PhotoCheck(services.studio))
    portraits, settings = PortraitsPanel(PortraitDesk(services)), SettingsPanel(services)
    templates = TemplatePanel(TemplateDesk(services))
    talking, styles = TalkPanel(TalkDesk(services)), LookPanel(LookDesk(services))
    try_on = TryOnPanel(TryOnDesk(services))
    with gr.Column(elem_id=ids.ROOT, elem_classes=["facechain"]):
        status = gr.HTML(elem_id=ids.STATUS)
        queue = QueuePanel(services.jobs)
        queue.draw()
        with gr.Tabs(elem_id=ids.PAGES):
            with gr.Tab("People", id="people"):
                people.draw()
            with gr.Tab("Portraits", id="portraits"):
                portraits.draw()
            with gr.Tab("Templates", id="templates"):
                templates.draw()
            with gr.Tab("Try on", id="try-on"):
                try_on.draw()
            with gr.Tab("Styles", id="styles"):
                styles.draw()
            with gr.Tab("Talk", id="talk"):
                talking.draw()
            with gr.Tab("Models", id="models") as last:
                settings.draw(last)
        more = (templates, try_on, styles, talking)
        Pulse(services, people, portraits, status, queue, more).draw()


class Panel(Protocol):
    """What the pulse asks of a panel that nobody else needs to know of."""

    @property
    def inputs(self) -> list[Any]:
        """What it has to be told of the page."""

    @property
    def outputs(self) -> dict[str, Any]:
        """What it may put anew, by keys that no other panel has."""

    def refresh(self, page: Redraw, values: Sequence[Any]) -> None:
        """Put everything that may have changed; values: of its inputs."""


@dataclass(eq=False)
class Pulse:
    """A hidden button that the page's script presses when a person has acted or a job's state has
    changed; often, where it cannot have what goes on sent without gradio.

    It answers outside gradio's queue, with what has changed alone. The answer says who is shown,
    for the script to follow, and names the library's LoRAs, for it to have them shown in the
    webui's Lora tab. The page hands the answer that it shows back with the next press: if that is
    not the last one, one was lost or came out of order, and everything is sent again.
    """

    services: Services
    people: PeoplePanel
    portraits: PortraitsPanel
    status: Any
    queue: QueuePanel | None = None
    more: Sequence[Panel] = ()
    trouble: live.Trouble = field(default_factory=live.Trouble)

    def draw(self) -> None:
        button = compat.not_saved(
            gr.Button("Refresh FaceChain", elem_id=ids.PULSE, elem_classes=["fc-offscreen"])
        )
        self.answer = gr.HTML(elem_id=ids.PULSE_STATE, elem_classes=["fc-offscreen"])
        self.seen = gr.State({})
        queue = self.queue.outputs if self.queue else {}
        drawn = {**self.people.outputs, **self.portraits.outputs}
        inputs = [self.seen, self.answer, *self.people.inputs, *self.portraits.inputs]
        for panel in self.more:
            drawn |= panel.outputs
            inputs += panel.inputs
        self.outputs = {**drawn, **queue, "status": self.status}
        outputs = [self.seen, self.answer, *self.outputs.values()]
        compat.on(button.click, self.beat, inputs, outputs)

    def beat(self, seen: Seen, shown: str, *values: Any) -> list[Any]:
        """Return the page's new memory, an answer that tells how soon to ask again, the outputs."""
        page = Redraw(seen)
        if page.has_changed("answer", shown):
            page.forget()
        active, damage, told = self.services.jobs.active(), "", {}
        try:
            told = self._refresh(page, values)
            damage = live.damages(self.services)
        except Exception as error:  # noqa: BLE001  a damaged library, say; the rest stays
            damage = self.trouble.told(error)
        if self.queue is not None:
            self.queue.refresh(page)
        page.put("status", markup.live(live.status(active) + damage))
        answer = _answer(beat=secrets.token_hex(4), busy=str(int(bool(active))), **told)
        page.has_changed("answer", answer)
        return [page.seen, answer, *(page.values.get(key, UNCHANGED) for key in self.outputs)]

    def _refresh(self, page: Redraw, values: Sequence[Any]) -> dict[str, str]:
        """Put what the panels show; returns what the script is told of it."""
        desk, split = self.people.desk, len(self.people.inputs)
        # First: what changes while the rest is drawn is then asked for once more.
        state, loras = live.state(desk, title_of(*values[:2])), "/".join(desk.loras())
        person, run = self.people.refresh(page, values[:split])
        self.portraits.refresh(page, values[split:])
        split += len(self.portraits.inputs)
        for panel in self.more:
            end = split + len(panel.inputs)
            panel.refresh(page, values[split:end])
            split = end
        return {"loras": loras, "person": person, "run": run, "state": state}


def _answer(**told: str) -> str:
    facts = " ".join(f'data-{name}="{escape(value)}"' for name, value in told.items())
    return f"<i {facts}></i>"
