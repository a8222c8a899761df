"""What changes on the page while work goes on, as HTML by element id.

The page's script has it sent as it changes; gradio draws the same when it is asked.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from facechain_ext.base.events import Stage
from facechain_ext.jobs.queue import Job
from facechain_ext.ui import queue_view
from facechain_ext.ui.looks import view as looks_view
from facechain_ext.ui.looks.desk import LookDesk
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.actions import sentence
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.people.desk import PeopleDesk
from facechain_ext.ui.people.view import PeopleView
from facechain_ext.ui.portraits import view as portraits_view
from facechain_ext.ui.portraits.desk import PortraitDesk
from facechain_ext.ui.portraits.template_desk import TemplateDesk
from facechain_ext.ui.portraits.tryon_desk import TryOnDesk
from facechain_ext.ui.talking.desk import TalkDesk
from facechain_ext.ui.talking.desk import progress as talk_progress

LASTS = 1.0
"""Seconds after which it is drawn anew although no job has changed: people may have."""


@dataclass(frozen=True)
class Drawn:
    """html: by element id. state: changes when gradio has to be asked, too: for buttons, lists and
    galleries. busy: whether work goes on or waits."""

    html: dict[str, str]
    state: str
    busy: bool


@dataclass(eq=False)
class Trouble:
    """Tells errors in words; the same one is logged once, and not every time it is met."""

    _logged: str = ""
    _said: str = ""

    def told(self, error: Exception) -> str:
        told = f"{type(error).__name__}: {error}"
        if told != self._logged:
            self._logged, self._said = told, sentence(error)
        return markup.message(self._said)


@dataclass(eq=False)
class LivePage:
    """Draws for every page that is open; what several of them show is drawn once."""

    services: Services
    trouble: Trouble = field(default_factory=Trouble)
    _drawn: dict[tuple[str, str], Drawn] = field(default_factory=dict)
    _as_of: tuple[object, float] = (None, 0.0)

    def __post_init__(self) -> None:
        self.people = PeopleView(PeopleDesk(self.services))
        self.portraits = PortraitDesk(self.services)
        self.templates = TemplateDesk(self.services)
        self.try_on = TryOnDesk(self.services)
        self.talking = TalkDesk(self.services)
        self.looks = LookDesk(self.services)
        self._lock = threading.Lock()

    def draw(self, person: str, run: str) -> Drawn:
        """Draw the page of a person's training; run: as it is called in the list of trainings."""
        with self._lock:
            self._forget_old()
            if (person, run) not in self._drawn:
                self._drawn[person, run] = self._draw(person, run)
            return self._drawn[person, run]

    def _forget_old(self) -> None:
        version, now = self.services.jobs.books.database.version(), time.monotonic()
        known, then = self._as_of
        if version != known or now - then > LASTS:
            self._drawn.clear()
            self._as_of = version, now

    def _draw(self, person: str, run: str) -> Drawn:
        active = self.services.jobs.active()
        html, damage, mark = dict(_queue(active)), "", ""
        try:
            with self.services.studio.library.at_one_look():
                html |= self._panels(person, run)
                damage, mark = damages(self.services), state(self.people.desk, person)
        except Exception as error:  # noqa: BLE001  a damaged library, say; the rest stays
            damage = self.trouble.told(error)
        html[ids.STATUS] = status(active) + damage
        return Drawn(html, mark, bool(active))

    def _panels(self, person: str, run: str) -> dict[str, str]:
        training = self.people.training(person, run)
        return {
            ids.PROGRESS: training.progress,
            ids.CURVES: training.curves,
            ids.SAMPLES: training.samples,
            ids.PORTRAIT_PROGRESS: portraits_view.progress(self.portraits),
            ids.TEMPLATE_PROGRESS: portraits_view.progress(self.templates),
            ids.TRY_ON_PROGRESS: portraits_view.progress(self.try_on),
            ids.TALK_PROGRESS: talk_progress(self.talking),
            **looks_view.training(self.looks),
        }


def _queue(active: Sequence[Job]) -> dict[str, str]:
    rows = {ids.queue_row(n): row for n, row in enumerate(queue_view.rows(active))}
    return {**rows, ids.QUEUE_REST: queue_view.summary(active)}


def status(active: Sequence[Job]) -> str:
    """Tell in one line what goes on, whichever page is open."""
    running = [job for job in active if job.state.at_work]
    waiting = len(active) - len(running)
    if not active:
        return '<div class="fc-status"><h2>FaceChain</h2><span>ready</span></div>'
    told = escape(running[0].title if running else "starting")
    more = f" · {waiting} waiting" if waiting else ""
    return f'<div class="fc-status fc-busy"><h2>FaceChain</h2><span>{told}{more}</span></div>'


def damages(services: Services) -> str:
    """Say who cannot be read, and why."""
    damaged = services.studio.library.damaged()
    return "".join(markup.message(str(person.error)) for person in damaged)


def state(desk: PeopleDesk, person: str) -> str:
    """Return what changes with the state of a job, with who there is and what they have."""
    jobs = [(job.id, job.state, _stage(job)) for job in desk.services.jobs.all()]
    with desk.services.studio.library.at_one_look() as people:
        shown = desk.person(person)
    crops = shown.folder / "instances" if shown else None
    changed = crops.stat().st_mtime_ns if crops is not None and crops.is_dir() else 0
    return hashlib.sha256(repr((jobs, people, changed)).encode("utf-8")).hexdigest()[:16]


def _stage(job: Job) -> str:
    """Return which stage a job is in while it is carried out."""
    if not job.state.at_work:
        return ""
    return next((each.name for each in reversed(job.events) if isinstance(each, Stage)), "")
