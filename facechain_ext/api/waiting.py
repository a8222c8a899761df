"""`Prefer: wait=30`: an answer that waits for a job to be over, at most for so long."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool

from facechain_ext.api.cursor import Cursor
from facechain_ext.api.feed import Feed
from facechain_ext.api.operation import Answer, Call, Header
from facechain_ext.api.tickets import ticket
from facechain_ext.jobs.event_store import StoredEvent
from facechain_ext.jobs.record import JobRecord, JobState
from facechain_ext.jobs.rows import STATE

MOST = 120
"""Seconds; proxies give up on longer ones."""

PREFER = Header(
    "Prefer", f"`wait=SECONDS`: answer when the job is over, or after so long; {MOST} at most.",
    "wait=30",
)  # fmt: skip
WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?=$|[,;])", re.ASCII | re.IGNORECASE)


def answering(begin: Callable[[Call], JobRecord]) -> Callable[[Call], Any]:
    """Answer with the job that a function begins or finds: 200 when it is over, else 202."""

    @wraps(begin)
    async def handle(call: Call) -> Answer:
        record = await run_in_threadpool(begin, call)
        headers = {"Location": call.link("jobs", record.id)}
        if (seconds := wait_asked(call)) is not None:
            await until_over(call.services.feed, record.id, seconds)
            headers["Preference-Applied"] = f"wait={seconds}"
        now = await run_in_threadpool(call.services.jobs.books.jobs.record, record.id)
        shown = await run_in_threadpool(ticket, call, now or record)
        return Answer(shown, 200 if shown.state.over else 202, headers)

    return handle


def wait_asked(call: Call) -> int | None:
    """Return how many seconds a client wants to wait; what cannot be read is no wish."""
    found = WAIT.search(",".join(call.request.headers.getlist("prefer")))
    return None if found is None else min(int(found[1]), MOST)


async def until_over(feed: Feed, job_id: str, seconds: float) -> None:
    """Wait until a job is over or gone, at most for so long."""
    until = time.monotonic() + seconds
    with feed.listening():
        books = feed.jobs.books
        cursor = Cursor(feed, await run_in_threadpool(books.events.last), job_id)
        record = await run_in_threadpool(books.jobs.record, job_id)
        over = record is None or record.state.over
        while not over and not feed.ended and (left := until - time.monotonic()) > 0:
            turn = feed.turn
            over = any(map(is_end, await cursor.read()))
            if not (over or cursor.behind):
                await feed.changed(turn, left)


def is_end(event: StoredEvent) -> bool:
    """Tell whether nothing follows an event of a job."""
    return event.type == STATE and JobState(event.data["state"]).over
