"""Events of one job, or of all that one may see: as a stream, or as a list."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from facechain_ext.api.cursor import Cursor
from facechain_ext.api.event_facts import EventEntry, EventList, entry
from facechain_ext.api.event_stream import EVENT_STREAM, HEARTBEAT, EventStream, Told
from facechain_ext.api.operation import Answer, Call, Header, Media, Operation
from facechain_ext.api.reading import BadField
from facechain_ext.api.tickets import JOB, job_at, whose
from facechain_ext.config.option import Validated, option

LAST = "last_event_id"
LARGEST = 2**53 - 1


@dataclass(frozen=True)
class EventsAfter(Validated):
    """Where to begin."""

    last_event_id: int | None = option(
        None,
        label="Last event",
        minimum=0,
        maximum=LARGEST,
        help="The id of the last event that you have seen; what came after it is told first. "
        "The header Last-Event-ID says the same.",
    )
    limit: int = option(
        500, label="Limit", minimum=1, maximum=5000, help="How many at most, in a list."
    )


HEADERS = (
    Header("Last-Event-ID", "The id of the last event that you have seen.", "41", "^[0-9]{0,16}$"),
    Header("Accept", "`application/json` asks for a list instead of a stream."),
)
STREAM = Media(
    EVENT_STREAM,
    "Server-Sent Events: `event` is the type, `data` an EventEntry, `id` there for what is kept. "
    f"A comment comes after {HEARTBEAT:g} s of silence.",
    EventEntry,
)


async def follow_job(call: Call) -> Answer:
    """Tell of a job from its beginning, or from the last event that was seen."""
    record = await run_in_threadpool(job_at, call)
    if _wants_list(call):
        return Answer(await run_in_threadpool(_list, call, record.id))
    after = _last_seen(call) or 0
    events, feed = call.services.jobs.books.events, call.services.feed
    if record.state.over and not await run_in_threadpool(
        events.after, after, job=record.id, limit=1
    ):
        return Answer(None, 204)
    return Answer(EventStream(feed, Told(Cursor(feed, after, record.id))))


async def follow_all(call: Call) -> Answer:
    """Tell of all jobs from now on, or from the last event that was seen."""
    if _wants_list(call):
        return Answer(await run_in_threadpool(_list, call, None))
    after, feed = _last_seen(call), call.services.feed
    if after is None:
        after = await run_in_threadpool(call.services.jobs.books.events.last)
    return Answer(EventStream(feed, Told(Cursor(feed, after, owner=whose(call)))))


def _wants_list(call: Call) -> bool:
    accepted = ",".join(call.request.headers.getlist("accept")).lower()
    return "application/json" in accepted and EVENT_STREAM not in accepted


def _list(call: Call, job_id: str | None) -> EventList:
    limit = call.query.limit
    found = call.services.jobs.books.events.after(
        _last_seen(call) or 0, job=job_id, owner=whose(call), limit=limit + 1
    )
    shown = tuple(map(entry, found[:limit]))
    return EventList(shown, shown[-1].id if len(found) > limit else None)


def _last_seen(call: Call) -> int | None:
    """Return the last event that a client has seen, by the query or else the header."""
    text = call.request.headers.get("last-event-id", "").strip()
    if text and not (text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST))):
        raise BadField(LAST, "Last-Event-ID must be the id of an event.")
    if call.query.last_event_id is not None:
        return int(call.query.last_event_id)
    return min(int(text), LARGEST) if text else None


OPERATIONS = (
    Operation(
        "GET",
        "/jobs/{job}/events",
        follow_job,
        "Follow a job",
        "jobs",
        {200: (STREAM, EventList), 204: None},
        help="The stream ends when the job is over; 204: it is, and you have seen all. After a "
        "lost connection ask again with the last id, also after a restart of the server.",
        query=EventsAfter,
        parts=JOB,
        headers=HEADERS,
    ),
    Operation(
        "GET",
        "/events",
        follow_all,
        "Follow all jobs",
        "jobs",
        {200: (STREAM, EventList)},
        help="Of all jobs that you may see; the stream begins now unless you name a last event.",
        query=EventsAfter,
        headers=HEADERS,
    ),
)
