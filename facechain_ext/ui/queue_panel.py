"""The queue: what runs, what waits and in which order, with a stop for each and for all."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr

from facechain_ext.base.events import Candidate, Drawing, Event, PhotoPrepared, Step
from facechain_ext.jobs.queue import Job, Jobs, JobState
from facechain_ext.ui.page import element_ids as ids
from facechain_ext.ui.page.actions import failing_in_place
from facechain_ext.ui.page.compat import not_saved, on
from facechain_ext.ui.page.redraw import Redraw
from facechain_ext.ui.page.wording import STATES, count

MOST_SHOWN = 8
_JOB = re.compile(r'data-job="([0-9a-f]+)"')


@dataclass(eq=False)
class QueuePanel:
    """One row for each job, hidden while there are none; what is in it lives in the queue itself.

    A row tells which job it shows, and its button stops that one, whatever has moved meanwhile.
    """

    jobs: Jobs
    rows: list[tuple[Any, Any]] = field(default_factory=list)

    def draw(self) -> None:
        """Draw the panel into the page that is being built."""
        with gr.Column(visible=False, elem_id=ids.QUEUE, elem_classes=["fc-queue"]) as self.panel:
            for number in range(1, MOST_SHOWN + 1):
                self._draw_row(f"{ids.QUEUE}_{number}")
            with gr.Row(visible=False, elem_classes=["fc-job-row"]) as self.end:
                self.rest = gr.HTML()
                self.stop_all = not_saved(
                    gr.Button("Stop all", elem_id=ids.STOP_ALL, size="sm", min_width=90, scale=0)
                )
        on(self.stop_all.click, failing_in_place(self._stop_all), [], [self.rest])

    def _draw_row(self, elem_id: str) -> None:
        with gr.Row(visible=False, elem_id=elem_id, elem_classes=["fc-job-row"]) as row:
            told = gr.HTML()
            stop = not_saved(gr.Button("Stop", size="sm", min_width=90, scale=0))
        on(stop.click, failing_in_place(self._stop), [told], [told])
        self.rows.append((row, told))

    def _stop(self, told: str) -> str:
        """Stop the job that the row shows; answers with the row as it is then."""
        found = _JOB.search(told or "")
        job = self.jobs.get(found[1]) if found else None
        if job is None:
            return ""
        job.cancel()
        return _row(job)

    def _stop_all(self) -> str:
        self.jobs.stop_all()
        return _note("Stopping everything …")

    @property
    def outputs(self) -> dict[str, Any]:
        parts = {f"queue_{n}{kind}": part for n, row in enumerate(self.rows)
                 for kind, part in zip(("", "_told"), row, strict=True)}  # fmt: skip
        return {"queue": self.panel, "queue_end": self.end, "queue_rest": self.rest, **parts}

    def refresh(self, page: Redraw) -> None:
        """Put everything that may have changed."""
        active = self.jobs.active()
        page.put("queue", gr.update(visible=bool(active)))
        page.put("queue_end", gr.update(visible=len(active) > 1))
        page.put("queue_rest", _note(_summary(active)))
        for number in range(MOST_SHOWN):
            job = active[number] if number < len(active) else None
            page.put(f"queue_{number}", gr.update(visible=job is not None))
            page.put(f"queue_{number}_told", _row(job) if job else "")


def _summary(active: Sequence[Job]) -> str:
    waiting = sum(job.state is JobState.QUEUED for job in active)
    more = len(active) - MOST_SHOWN
    unseen = f", {more} of them not shown" if more > 0 else ""
    return f"{count(waiting, 'job')} waiting{unseen}"


def _note(text: str) -> str:
    return f'<p class="fc-hint">{escape(text)}</p>'


def _row(job: Job) -> str:
    state = "stopping" if job.stopping else STATES[job.state]
    return (
        f'<div class="fc-job fc-is-{state}" data-job="{job.id}">'
        f'<span class="fc-badge">{state}</span><strong>{escape(job.title)}</strong>'
        f"<span>{escape(how_far(job))}</span></div>"
    )


def how_far(job: Job) -> str:
    """Tell in a few words how far a job is; nothing before it has begun."""
    events = job.events
    latest = job.passing or (events[-1] if events else None)
    told = _TOLD.get(type(latest))
    return told(latest) if told else ""


def _step(event: Any) -> str:
    return f"step {event.step} of {event.total}"


def _drawing(event: Any) -> str:
    return f"picture {event.picture} of {event.pictures}, step {event.step} of {event.steps}"


def _done(event: Any) -> str:
    return f"{event.done} of {event.total}"


_TOLD: dict[type, Callable[[Event | None], str]] = {
    Step: _step,
    Drawing: _drawing,
    Candidate: _done,
    PhotoPrepared: _done,
}
