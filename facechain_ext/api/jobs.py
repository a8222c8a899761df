"""Jobs: begin under an id of one's own, list, look at, cancel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from facechain_ext.api.answers import Json
from facechain_ext.api.errors import Taken
from facechain_ext.api.job_works import JobOrder, work_of
from facechain_ext.api.operation import Answer, Call, Operation
from facechain_ext.api.reading import BadField
from facechain_ext.api.schema import told
from facechain_ext.api.starts import submitted
from facechain_ext.api.tickets import (
    JOB,
    JobKind,
    JobTicket,
    job_at,
    may_see,
    ticket,
    tickets,
    whose,
)
from facechain_ext.api.waiting import PREFER, answering, until_over, wait_asked
from facechain_ext.config.option import Validated, option
from facechain_ext.jobs.database import LOOK_AGAIN
from facechain_ext.jobs.record import JobRecord, JobState
from facechain_ext.jobs.store import ACTIVE
from facechain_ext.library.names import LONGEST_NAME

CLIENT_ID = re.compile(r"[A-Za-z0-9._~:@-]{1,100}")
MOST_SHOWN = 100


@dataclass(frozen=True)
class JobsPage(Validated):
    """Which jobs."""

    state: Literal[
        "any", "active", "queued", "starting", "running", "succeeded", "failed", "canceled"
    ] = option("any", label="State", help="Only those; active: the first three.")
    kind: Literal["any", JobKind] = option("any", label="Kind", help="Only those.")
    person: str = option("", label="Person", longest=LONGEST_NAME, help="Only about this name.")
    before: str = option(
        "", label="Before", longest=100, help="`next` of the page before this one."
    )
    limit: int = option(50, label="Limit", minimum=1, maximum=500, help="How many at most.")


@dataclass(frozen=True)
class JobList:
    """A page of jobs."""

    jobs: tuple[JobTicket, ...] = told("Newest first.")
    next: str | None = told("What to give as `before` for the next page.")


@dataclass(frozen=True)
class Queue:
    """Who is at work, and who waits."""

    running: JobTicket | None = told("The job at work, if it may be seen.")
    busy: bool = told("Whether a job is at work, whoever's it is.")
    waiting: int = told("How many wait, whoever's they are.")
    jobs: tuple[JobTicket, ...] = told(
        f"Those that wait and may be seen, in their order; {MOST_SHOWN} at most."
    )


def list_jobs(call: Call) -> JobList:
    page: JobsPage = call.query
    found = call.services.jobs.books.jobs.records(
        owner=whose(call),
        states=_states(page.state),
        kind=None if page.kind == "any" else page.kind,
        person=page.person or None,
        before=_number(call, page.before),
        limit=page.limit + 1,
    )
    shown = found[: page.limit]
    return JobList(tickets(call, shown), shown[-1].id if len(found) > len(shown) else None)


def _states(wanted: str) -> tuple[JobState, ...]:
    if wanted == "any":
        return ()
    return ACTIVE if wanted == "active" else (JobState(wanted),)


def _number(call: Call, job_id: str) -> int | None:
    if not job_id:
        return None
    record = call.services.jobs.books.jobs.record(job_id)
    if record is None or not may_see(call, record):
        raise BadField("before", "before must be the id of a job that is there.")
    return record.number


def put_job(call: Call) -> JobRecord:
    """Begin a job under the client's own id, or find the one that was begun under it."""
    client_id = call.path["job"]
    if CLIENT_ID.fullmatch(client_id) is None:
        raise BadField("job", "An id of your own is 1 to 100 of A-Z a-z 0-9 . _ ~ : @ -")
    jobs = call.services.jobs.books.jobs
    if (other := jobs.record(client_id)) is not None and other.client_id != client_id:
        raise Taken("This is the id of another job. Choose an id of your own.")
    known = call.services.jobs.asked_before(call.owner, client_id, call.asked, call.files)
    return known or submitted(call, work_of(call), client_id)


async def get_job(call: Call) -> Answer:
    if (seconds := wait_asked(call)) is None:
        return Answer(await _looked_at(call))
    found = await run_in_threadpool(_ticket_now, call)
    await until_over(call.services.feed, found.id, seconds)
    waited = {"Preference-Applied": f"wait={seconds}"}
    return Answer(await run_in_threadpool(_ticket_now, call), 200, waited)


async def _looked_at(call: Call) -> Response:
    """Answer how a job stands; who asks before anything has changed is told what others were.

    What another process has changed is seen as late as everywhere.
    """
    changes, period = call.services.jobs.books.database.changes, int(monotonic() / LOOK_AGAIN)
    asked = (call.path["job"], call.owner, call.link("jobs"), changes, period)
    body = await call.services.feed.written.fetched(asked, partial(_written_now, call))
    return Response(body, media_type=Json.media_type)


def _written_now(call: Call) -> bytes:
    return bytes(Json(_ticket_now(call)).body)


def _ticket_now(call: Call) -> JobTicket:
    return ticket(call, job_at(call))


def cancel_job(call: Call) -> JobTicket:
    record = job_at(call)
    job = call.services.jobs.get(record.id)
    if job is not None:
        job.cancel()
    return _ticket_now(call)


def get_queue(call: Call) -> Queue:
    services = call.services
    running, waiting = services.jobs.running, services.jobs.books.jobs.waiting()
    seen = running is not None and may_see(call, running.record)
    mine = [job for job, owner in waiting.items() if whose(call) in (None, owner)][:MOST_SHOWN]
    records = map(services.jobs.books.jobs.record, mine)
    return Queue(
        running=ticket(call, running.record) if running and seen else None,
        busy=running is not None,
        waiting=len(waiting),
        jobs=tickets(call, [r for r in records if r is not None and r.state is JobState.QUEUED]),
    )


OPERATIONS = (
    Operation("GET", "/queue", get_queue, "Who is at work, and who waits", "jobs", {200: Queue}),
    Operation("GET", "/jobs", list_jobs, "List jobs", "jobs", {200: JobList}, query=JobsPage),
    Operation(
        "PUT",
        "/jobs/{job}",
        answering(put_job),
        "Begin a job once, under an id of your own",
        "jobs",
        {202: JobTicket, 200: JobTicket},
        help="The same id and body again answer with the job that is there, another body is 409: "
        "after a lost connection ask again without fear.",
        body=JobOrder,
        photos=True,
        parts={"job": "Your own id: 1 to 100 of `A-Z a-z 0-9 . _ ~ : @ -`."},
        headers=(PREFER,),
        most_bytes=lambda services: services.config.max_upload_mb * 2**20,
        example={"kind": "portraits", "person": "ana", "portrait": {"style": "portrait"}},
        errors=(409, 507),
    ),
    Operation(
        "GET",
        "/jobs/{job}",
        get_job,
        "Look at a job",
        "jobs",
        {200: JobTicket},
        help="By its id, or by your own.",
        parts=JOB,
        headers=(PREFER,),
    ),
    Operation(
        "POST",
        "/jobs/{job}/cancel",
        cancel_job,
        "Cancel a job",
        "jobs",
        {200: JobTicket},
        help="One that waits is canceled at once, one at work at its next step.",
        parts=JOB,
    ),
)
