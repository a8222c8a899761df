"""The whole tab: three pages under one root, and the pulse that keeps them up to date."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from facechain_ext.jobs.queue import Job
from facechain_ext.ui.page import compat, markup
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page.actions import sentence
from facechain_ext.ui.page.compat import UNCHANGED
from facechain_ext.ui.page.redraw import Redraw, Seen
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.people.desk import PeopleDesk
from facechain_ext.ui.people.panel import PeoplePanel
from facechain_ext.ui.people.verdicts import PhotoCheck
from facechain_ext.ui.people.view import PeopleView
from facechain_ext.ui.portraits.desk import PortraitDesk
from facechain_ext.ui.portraits.panel import PortraitsPanel
from facechain_ext.ui.queue_panel import QueuePanel
from facechain_ext.ui.settings.panel import SettingsPanel


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
    with gr.Column(elem_id=ids.ROOT, elem_classes=["facechain"]):
        status = gr.HTML(elem_id=ids.STATUS)
        queue = QueuePanel(services.jobs)
        queue.draw()
        with gr.Tabs(elem_id=ids.PAGES):
            with gr.Tab("People", id="people"):
                people.draw()
            with gr.Tab("Portraits", id="portraits"):
                portraits.draw()
            with gr.Tab("Models", id="models") as last:
                settings.draw(last)
        Pulse(services, people, portraits, status, queue).draw()


@dataclass(eq=False)
class Pulse:
    """A hidden button that the page's script presses: often while work goes on, else seldom.

    It answers outside gradio's queue, with what has changed alone, and names the library's LoRAs so
    that the script can have them shown in the webui's Lora tab. The page hands the answer that it
    shows back with the next press: if that is not the last one, one was lost or came out of order,
    and everything is sent again.
    """

    services: Services
    people: PeoplePanel
    portraits: PortraitsPanel
    status: Any
    queue: QueuePanel | None = None
    _logged: str = ""
    _said: str = ""

    def draw(self) -> None:
        button = compat.not_saved(
            gr.Button("Refresh FaceChain", elem_id=ids.PULSE, elem_classes=["fc-offscreen"])
        )
        self.answer = gr.HTML(elem_id=ids.PULSE_STATE, elem_classes=["fc-offscreen"])
        self.seen = gr.State({})
        queue = self.queue.outputs if self.queue else {}
        drawn = {**self.people.outputs, **self.portraits.outputs}
        self.outputs = {**drawn, **queue, "status": self.status}
        inputs = [self.seen, self.answer, *self.people.inputs, *self.portraits.inputs]
        outputs = [self.seen, self.answer, *self.outputs.values()]
        compat.on(button.click, self.beat, inputs, outputs)

    def beat(self, seen: Seen, shown: str, *values: Any) -> list[Any]:
        """Return the page's new memory, an answer that tells how soon to ask again, the outputs."""
        page, split = Redraw(seen), len(self.people.inputs)
        if page.has_changed("answer", shown):
            page.forget()
        jobs = self.services.jobs.active()
        status, loras = _status(jobs), ""
        try:
            loras = escape("/".join(self.people.desk.loras()))
            self.people.refresh(page, values[:split])
            self.portraits.refresh(page, values[split:])
            damaged = self.services.studio.library.damaged()
            status += "".join(markup.message(str(person.error)) for person in damaged)
        except Exception as error:  # noqa: BLE001  a damaged library, say; the rest stays
            status += markup.message(self._once(error))
        if self.queue is not None:
            self.queue.refresh(page)
        page.put("status", status)
        beat, busy = secrets.token_hex(4), int(bool(jobs))
        answer = f'<i data-beat="{beat}" data-busy="{busy}" data-loras="{loras}"></i>'
        page.has_changed("answer", answer)
        return [page.seen, answer, *(page.values.get(key, UNCHANGED) for key in self.outputs)]

    def _once(self, error: Exception) -> str:
        """Tell an error in words; the same one is logged once, and not with every pulse."""
        told = f"{type(error).__name__}: {error}"
        if told == self._logged:
            return self._said
        self._logged, self._said = told, sentence(error)
        return self._said


def _status(jobs: Sequence[Job]) -> str:
    """Tell in one line what goes on, whichever page is open."""
    running = [job for job in jobs if job.state.at_work]
    waiting = len(jobs) - len(running)
    if not jobs:
        return '<div class="fc-status"><h2>FaceChain</h2><span>ready</span></div>'
    told = escape(running[0].title if running else "starting")
    more = f" · {waiting} waiting" if waiting else ""
    return f'<div class="fc-status fc-busy"><h2>FaceChain</h2><span>{told}{more}</span></div>'
