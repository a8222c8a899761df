"""The queue as HTML: a row for each of the first jobs, and how many more there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from facechain_ext.base.events import Candidate, Drawing, Event, Filming, PhotoPrepared, Step
from facechain_ext.jobs.queue import Job, JobState
from facechain_ext.ui.page.wording import STATES, count

MOST_SHOWN = 8


def rows(active: Sequence[Job]) -> list[str]:
    """Draw MOST_SHOWN rows; those for which there is no job are empty."""
    drawn = [row(job) for job in active[:MOST_SHOWN]]
    return drawn + [""] * (MOST_SHOWN - len(drawn))


def row(job: Job) -> str:
    """Draw one job; the row tells which it is."""
    state = "stopping" if job.stopping else STATES[job.state]
    return (
        f'<div class="fc-job fc-is-{state}" data-job="{job.id}">'
        f'<span class="fc-badge">{state}</span><strong>{escape(job.title)}</strong>'
        f"<span>{escape(how_far(job))}</span></div>"
    )


def summary(active: Sequence[Job]) -> str:
    """Say how many wait."""
    waiting = sum(job.state is JobState.QUEUED for job in active)
    more = len(active) - MOST_SHOWN
    unseen = f", {more} of them not shown" if more > 0 else ""
    return note(f"{count(waiting, 'job')} waiting{unseen}")


def note(text: str) -> str:
    """Draw what stands below the rows."""
    return f'<p class="fc-hint">{escape(text)}</p>'


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
    Filming: _done,
    PhotoPrepared: _done,
}
