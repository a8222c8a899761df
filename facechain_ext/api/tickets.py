"""What a call that takes long is answered at once: the job that does it."""

from __future__ import annotations

from dataclasses import dataclass

from facechain_ext.api.operation import Answer, Call
from facechain_ext.api.schema import told
from facechain_ext.jobs.queue import Job
from facechain_ext.jobs.works import Work


@dataclass(frozen=True)
class JobTicket:
    """A job that was begun."""

    id: str = told("The id in addresses; nobody can guess it.")
    state: str = told('"queued", "starting", "running", "succeeded", "failed" or "canceled".')
    kind: str = told("What it does.")
    person: str = told("The name of the person whom it is about.")
    position: int = told("Its place in the queue, 1 is next; 0: it does not wait.")
    links: dict[str, str] = told("Where to look after it.")


def ticket(call: Call, job: Job) -> JobTicket:
    """Return how a job is answered."""
    links = {
        "self": call.link("jobs", job.id),
        "events": call.link("jobs", job.id, "events"),
        "cancel": call.link("jobs", job.id, "cancel"),
    }
    return JobTicket(job.id, job.state.value, job.kind, job.person, job.position, links)


def begun(call: Call, work: Work) -> Answer:
    """Submit work and answer with its job; raises what `Jobs.submit` raises."""
    job = call.services.jobs.submit(work, owner=call.owner)
    return Answer(ticket(call, job), 202, {"Location": call.link("jobs", job.id)})
