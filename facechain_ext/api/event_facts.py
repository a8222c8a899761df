"""Events as they go out, the same in a stream and in a list."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from facechain_ext.api.errors import without_paths
from facechain_ext.api.feed import Standing
from facechain_ext.api.job_facts import job_error, moment
from facechain_ext.api.schema import plain, told
from facechain_ext.base.events import Drawing
from facechain_ext.jobs.event_store import StoredEvent
from facechain_ext.jobs.record import JobRecord, JobState
from facechain_ext.jobs.rows import STATE

MOST_SHOWN = 100
"""Waiting jobs that one event tells of."""


@dataclass(frozen=True)
class EventEntry:
    """Something that happened to a job."""

    id: int | None = told("Grows with every event of any job; null: not kept, and not replayed.")
    job: str | None = told("The job's id; null: it is about the queue.")
    time: str = told("When it happened, ISO 8601.")
    type: str = told(
        '"state", "stage", "photo", "step", "preview", "snapshot", "trained", "candidate", '
        '"portraits", "filming" or "video"; in streams also "progress" and "queue".'
    )
    data: dict[str, Any] = told("What belongs to it; pictures by name.")


@dataclass(frozen=True)
class EventList:
    """Events in their order."""

    events: tuple[EventEntry, ...] = told("Oldest first.")
    next: int | None = told("What to give as `last_event_id` for more; null: that was all.")


def entry(event: StoredEvent) -> EventEntry:
    """Return a stored event as it goes out: without paths of the server."""
    data = dict(event.data)
    if event.type == STATE:
        error = job_error(data.pop("error", ""), data.pop("error_type", ""))
        data["error"] = error
    if "notes" in data:
        data["notes"] = [without_paths(note) for note in data["notes"]]
    if isinstance(data.get("message"), str):
        data["message"] = without_paths(data["message"])
    data.pop("saved", None)
    return EventEntry(event.id, event.job, moment(event.time), event.type, data)


def progress_of(standing: Standing, job_id: str) -> dict[str, Any] | None:
    """Return where a job stands now; None for one that neither waits nor is at work."""
    running = standing.running
    if running is not None and running.id == job_id:
        return _progress(standing, running)
    position = standing.position(job_id)
    if not position:
        return None
    return {"state": JobState.QUEUED, "position": position, "progress": 0.0, "eta_seconds": None}


def running_progress(standing: Standing, owner: str | None) -> dict[str, Any] | None:
    """Return where the job at work stands, if that may be seen."""
    running = standing.running
    if running is None or owner not in (None, running.owner):
        return None
    return _progress(standing, running)


def _progress(standing: Standing, running: JobRecord) -> dict[str, Any]:
    passing = standing.passing
    return {
        "state": running.state,
        "position": 0,
        "progress": running.progress,
        "eta_seconds": running.eta_seconds,
        "drawing": _drawing(passing) if isinstance(passing, Drawing) else None,
    }


def queue_of(standing: Standing, owner: str | None) -> dict[str, Any]:
    """Return who is at work and who waits, as far as that may be seen."""
    running = standing.running
    seen = running is not None and owner in (None, running.owner)
    shown = [
        {"job": job_id, "position": place}
        for place, (job_id, whose) in enumerate(standing.waiting.items(), 1)
        if owner in (None, whose)
    ]
    return {
        "running": running.id if running and seen else None,
        "waiting": len(shown),
        "jobs": shown[:MOST_SHOWN],
    }


def _drawing(passing: Drawing) -> dict[str, int]:
    """Tell of a step of drawing without what is to be seen of it."""
    facts = asdict(replace(passing, pixels=None))
    del facts["pixels"]
    return facts


def passing_entry(kind: str, job_id: str | None, data: dict[str, Any]) -> EventEntry:
    """Return what is told now, and not kept."""
    return EventEntry(None, job_id, moment(time.time()), kind, data)


def block(told: EventEntry) -> bytes:
    """Return an event as a stream of Server-Sent Events has it."""
    data = json.dumps(plain(told), allow_nan=False, separators=(",", ":"))
    number = "" if told.id is None else f"id: {told.id}\n"
    return f"{number}event: {told.type}\ndata: {data}\n\n".encode("ascii")
