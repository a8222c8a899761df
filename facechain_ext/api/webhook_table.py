"""The table of webhooks, in the same file as the jobs: it goes on after a restart."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from facechain_ext.api.webhooks import Delivery, Moment, Webhook, WebhookState, read_target
from facechain_ext.base.errors import Conflict
from facechain_ext.jobs import rows
from facechain_ext.jobs.database import Database
from facechain_ext.jobs.record import JobRecord, JobState
from facechain_ext.jobs.store import new_id

SCHEMA = """
CREATE TABLE IF NOT EXISTS webhooks (
    id TEXT PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    event TEXT NOT NULL,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try REAL NOT NULL DEFAULT 0,
    status INTEGER,
    problem TEXT NOT NULL DEFAULT '',
    UNIQUE (job, event)
)
"""
LEASE = 120.0
"""Seconds that a process has to deliver what it took, before another try is due."""
AFTER = (5.0, 30.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0)
"""Seconds to wait after each try; then the message is given up."""

OVER = ", ".join(repr(state.value) for state in JobState if state.over)
DUE = (
    "FROM webhooks JOIN jobs ON jobs.number = webhooks.job "
    f"WHERE webhooks.state = '{Delivery.WAITING.value}' AND next_try <= ? AND "
    f"(jobs.state IN ({OVER}) OR (event = '{Moment.STARTED.value}' AND jobs.started IS NOT NULL))"
)


@dataclass(frozen=True)
class Message:
    """What is to be told. attempt: counts from 1."""

    id: str
    event: Moment
    url: str
    secret: str
    attempt: int
    job: JobRecord


@dataclass(eq=False)
class WebhookTable:
    """Reads and changes webhooks."""

    database: Database
    _made: list[bool] = field(default_factory=list)

    def add(self, job: JobRecord, hook: Webhook | None) -> None:
        """Have somebody told of a job; asked again with another webhook, raises Conflict."""
        wanted = {} if hook is None else {each.value: hook for each in hook.events}
        with self._writing(lasting=True) as connection:
            query = "SELECT event, url, secret FROM webhooks WHERE job = ?"
            there = {row[0]: (row[1], row[2]) for row in connection.execute(query, (job.number,))}
            if there and there != {event: (h.url, h.secret) for event, h in wanted.items()}:
                raise Conflict(f"A job {job.client_id!r} is there, and it has another webhook.")
            connection.executemany(
                "INSERT OR IGNORE INTO webhooks (id, job, event, url, secret, state) "
                f"SELECT ?, number, ?, ?, ?, '{Delivery.WAITING.value}' FROM jobs "
                "WHERE number = ?",
                [(f"msg_{new_id()}", e, h.url, h.secret, job.number) for e, h in wanted.items()],
            )

    def states(self, numbers: Sequence[int]) -> dict[int, tuple[WebhookState, ...]]:
        """Return what has become of the webhooks of some jobs, by the job's number."""
        found: dict[int, tuple[WebhookState, ...]] = {}
        if not numbers:
            return found
        query = "SELECT * FROM webhooks WHERE job BETWEEN ? AND ? ORDER BY event DESC"
        with self._reading() as connection:
            for row in connection.execute(query, (min(numbers), max(numbers))):
                found[row["job"]] = (*found.get(row["job"], ()), _state(row))
        return found

    def waits(self) -> bool:
        """Tell whether anything is still to be told."""
        query = "SELECT 1 FROM webhooks WHERE state = ? LIMIT 1"
        with self._reading() as connection:
            return connection.execute(query, (Delivery.WAITING.value,)).fetchone() is not None

    def take(self) -> Message | None:
        """Take a message that is due; no other process takes it meanwhile."""
        with self._reading() as connection:
            if connection.execute(f"SELECT 1 {DUE} LIMIT 1", (time.time(),)).fetchone() is None:
                return None
        with self._writing() as connection:
            query = f"SELECT webhooks.* {DUE} ORDER BY next_try, job, event DESC LIMIT 1"
            row = connection.execute(query, (time.time(),)).fetchone()
            if row is None:
                return None
            connection.execute(
                "UPDATE webhooks SET attempts = attempts + 1, next_try = ? WHERE id = ?",
                (time.time() + LEASE, row["id"]),
            )
            job = rows.numbered(connection, row["job"])
        moment = Moment(row["event"])
        return Message(row["id"], moment, row["url"], row["secret"], row["attempts"] + 1, job)

    def delivered(self, message: Message, status: int) -> None:
        self._note(message, Delivery.DELIVERED, status, "")

    def failed(
        self, message: Message, problem: str, status: int | None, *, for_good: bool = False
    ) -> None:
        """Note that a try failed, and when the next one is due, if there is one."""
        last = for_good or message.attempt > len(AFTER)
        state = Delivery.FAILED if last else Delivery.WAITING
        wait = 0.0 if last else AFTER[message.attempt - 1]
        self._note(message, state, status, problem, time.time() + wait)

    def _note(
        self,
        message: Message,
        state: Delivery,
        status: int | None,
        problem: str,
        next_try: float = 0.0,
    ) -> None:
        with self._writing() as connection:
            connection.execute(
                "UPDATE webhooks SET state = ?, status = ?, problem = ?, next_try = ? WHERE id = ?",
                (state.value, status, problem, next_try, message.id),
            )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        self._make()
        with self.database.reading() as connection:
            yield connection

    @contextmanager
    def _writing(self, *, lasting: bool = False) -> Iterator[sqlite3.Connection]:
        self._make()
        with self.database.writing(lasting=lasting) as connection:
            yield connection

    def _make(self) -> None:
        if not self._made:
            with self.database.writing() as connection:
                connection.execute(SCHEMA)
            self._made.append(True)


def _state(row: sqlite3.Row) -> WebhookState:
    return WebhookState(
        Moment(row["event"]),
        Delivery(row["state"]),
        read_target(row["url"]).host,
        row["attempts"],
        row["status"],
        row["problem"] or None,
    )
