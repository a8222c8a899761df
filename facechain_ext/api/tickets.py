"""A job as answers tell of it; what a call that takes long is answered at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from facechain_ext.api.errors import NotFound
from facechain_ext.api.job_facts import JobError, job_error, moment
from facechain_ext.api.operation import Call
from facechain_ext.api.schema import told
from facechain_ext.api.webhooks import WebhookState
from facechain_ext.jobs.record import JobRecord, JobState

JobKind = Literal[
    "check",
    "enrol",
    "train",
    "resume",
    "portraits",
    "template",
    "try-on",
    "talk",
    "keep_look",
    "train_style",
]
KINDS = [f'"{kind}"' for kind in get_args(JobKind)]

RESULTS = {
    "train": "trainings",
    "resume": "trainings",
    "portraits": "portraits",
    "template": "portraits",
    "talk": "videos",
    "keep_look": "jobs",
    "train_style": "trainings",
    "try-on": "portraits",
}
"""Where the result of a kind of job is looked at."""

JOB = {"job": "The job's id."}


@dataclass(frozen=True)
class JobTicket:
    """A job: what it does, and how far it is."""

    id: str = told("The id in addresses; nobody can guess it.")
    client_id: str | None = told("What the client calls it.")
    kind: str = told(f"{', '.join(KINDS[:-1])} or {KINDS[-1]}.")
    person: str = told("The name of the person whom it is about.")
    title: str = told("What it does, in words.")
    state: JobState = told("Where it stands; the last three are for good.")
    position: int = told("Its place in the queue, 1 is next; 0: it does not wait.")
    progress: float = told("How much is done, 0..1.")
    eta_seconds: float | None = told("Seconds left, while that can be told.")
    stopping: bool = told("Whether it was asked to stop, and has not yet.")
    priority: int = told("Among one's own: the higher the earlier.")
    attempts: int = told("How often it was begun; more than once after the program had ended.")
    created: str = told("When it was asked for, ISO 8601.")
    started: str | None = told("When it was begun, ISO 8601.")
    finished: str | None = told("When it was over, ISO 8601.")
    error: JobError | None = told("Why it failed or was canceled.")
    webhooks: tuple[WebhookState, ...] = told("What was told to the webhook, or will be.")
    links: dict[str, str] = told("Where to look after it.")


def ticket(call: Call, record: JobRecord) -> JobTicket:
    """Return how a job is answered."""
    return tickets(call, [record])[0]


def tickets(call: Call, records: Sequence[JobRecord]) -> tuple[JobTicket, ...]:
    """Return how jobs are answered."""
    waits = any(record.state is JobState.QUEUED for record in records)
    places = call.services.jobs.books.jobs.positions() if waits else {}
    hooks = call.services.webhooks.states([record.number for record in records])
    return tuple(_ticket(call, r, places, hooks.get(r.number, ())) for r in records)


def _ticket(
    call: Call, record: JobRecord, places: Mapping[str, int], hooks: tuple[WebhookState, ...]
) -> JobTicket:
    same = ("id", "kind", "person", "title", "state", "progress", "eta_seconds", "priority")
    facts: dict[str, Any] = {name: getattr(record, name) for name in (*same, "attempts")}
    return JobTicket(
        **facts,
        client_id=record.client_id or None,
        position=places.get(record.id, 0),
        stopping=record.cancel_asked and record.state.at_work,
        created=moment(record.created),
        started=None if record.started is None else moment(record.started),
        finished=None if record.finished is None else moment(record.finished),
        error=job_error(record.error, record.error_type),
        webhooks=hooks,
        links=links(call, record),
    )


def links(call: Call, record: JobRecord) -> dict[str, str]:
    """Return the addresses of a job."""
    result = RESULTS.get(record.kind)
    return {
        "self": call.link("jobs", record.id),
        "events": call.link("jobs", record.id, "events"),
        "cancel": call.link("jobs", record.id, "cancel"),
        "result": call.link(result, record.id) if result else call.link("checks", record.id),
    }


def job_at(call: Call, *kinds: str) -> JobRecord:
    """Return the job of an address, by its id or the client's own; kinds: only those.

    Raises NotFound, with the same sentence whether there is none, or somebody else's.
    """
    jobs, wanted = call.services.jobs.books.jobs, call.path["job"]
    found = jobs.record(wanted)
    if found is None or not may_see(call, found):
        found = jobs.by_client_id(call.owner, wanted)
    if found is None or (kinds and found.kind not in kinds):
        raise NotFound(f"There is no such job {wanted[:60]!a} here.")
    return found


def last_event(call: Call, record: JobRecord, kind: str) -> dict[str, Any] | None:
    """Return what a job's last event of a type tells; None where there is none yet."""
    events = call.services.jobs.books.events.after(0, job=record.id)
    return next((event.data for event in reversed(events) if event.type == kind), None)


def may_see(call: Call, record: JobRecord) -> bool:
    return not call.services.config.owners or record.owner == call.owner


def whose(call: Call) -> str | None:
    """Return the owner whose jobs the user may see; None for everybody's."""
    return call.owner if call.services.config.owners else None
