"""The tables of jobs: who waits, in which order, what has become of them."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from facechain_ext.base.errors import Conflict, FaceChainError, TooMany
from facechain_ext.jobs import rows
from facechain_ext.jobs.database import Database
from facechain_ext.jobs.record import JobRecord, JobState
from facechain_ext.library.names import identity

AT_WORK = (JobState.STARTING, JobState.RUNNING)
ACTIVE = (JobState.QUEUED, *AT_WORK)
WAITING = """
SELECT number, id, worker, owner FROM (
    SELECT number, id, worker, jobs.owner AS owner, coalesce(served, 0) AS served,
        row_number() OVER (PARTITION BY jobs.owner ORDER BY priority DESC, number) AS round
    FROM jobs LEFT JOIN owners ON owners.owner = jobs.owner WHERE state = 'queued')
ORDER BY round, served, number
"""
"""Those that wait in the order in which they run: one of each owner, who waits longest first."""


@dataclass(frozen=True)
class Submission:
    """What is asked for, before it is a job."""

    kind: str
    person: str
    title: str
    work: dict[str, Any]
    owner: str = ""
    client_id: str = ""
    digest: str = ""
    priority: int = 0
    worker: str = ""


@dataclass(frozen=True)
class JobStore:
    """Reads and changes jobs; every change is whole when its function returns."""

    database: Database

    def add(self, job: Submission, job_id: str, *, most_queued: int) -> JobRecord:
        """Queue a job, or return the one that was queued under the client's id before.

        Raises Conflict where that one asked for something else, TooMany.
        """
        with self.database.writing(lasting=True) as connection:
            if known := _asked_before(connection, job.owner, job.client_id, job.digest):
                return known
            waiting = "SELECT count(*) FROM jobs WHERE owner = ? AND state = 'queued'"
            if connection.execute(waiting, (job.owner,)).fetchone()[0] >= most_queued:
                raise TooMany(
                    f"{most_queued} jobs wait already; more are taken when some are done."
                )
            row = {
                **job.__dict__,
                "id": job_id,
                "client_id": job.client_id or None,
                "identity": identity(job.person),
                "work": json.dumps(job.work, ensure_ascii=False),
                "state": JobState.QUEUED.value,
                "created": time.time(),
            }
            names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
            connection.execute(f"INSERT INTO jobs ({names}) VALUES ({places})", row)
            record = rows.one(connection, "id = ?", (job_id,))
            assert record is not None
            rows.tell_state(connection, record)
            return record

    def by_client_id(self, owner: str, client_id: str) -> JobRecord | None:
        with self.database.reading() as connection:
            return _called(connection, owner, client_id)

    def asked_before(self, owner: str, client_id: str, digest: str) -> JobRecord | None:
        """Return the job of a client's id; raises Conflict where it asked for something else."""
        with self.database.reading() as connection:
            return _asked_before(connection, owner, client_id, digest)

    def record(self, job_id: str) -> JobRecord | None:
        with self.database.reading() as connection:
            return rows.one(connection, "id = ?", (job_id,))

    def records(
        self,
        *,
        owner: str | None = None,
        states: Collection[JobState] = (),
        kind: str | None = None,
        person: str | None = None,
        before: int | None = None,
        limit: int = -1,
    ) -> list[JobRecord]:
        """Return jobs, newest first; before: a job's number. No limit: -1."""
        wanted: list[tuple[str, Any]] = [("owner = ?", owner), ("kind = ?", kind)]
        wanted += [("identity = ?", None if person is None else identity(person))]
        wanted += [("number < ?", before)]
        chosen = [(test, value) for test, value in wanted if value is not None]
        tests, values = [test for test, _ in chosen], [value for _, value in chosen]
        if states:
            tests.append(f"state IN ({', '.join('?' * len(states))})")
            values += [state.value for state in states]
        test = " AND ".join(tests) or "1"
        query = f"SELECT * FROM jobs WHERE {test} ORDER BY number DESC LIMIT ?"
        with self.database.reading() as connection:
            return [JobRecord.of(row) for row in connection.execute(query, (*values, limit))]

    def positions(self) -> dict[str, int]:
        """Return the places of those that wait by id, the next one's 1, in order."""
        return {job_id: place for place, job_id in enumerate(self.waiting(), 1)}

    def waiting(self) -> dict[str, str]:
        """Return the owners of those that wait by id, in the order in which they will run."""
        with self.database.reading() as connection:
            return {row["id"]: row["owner"] for row in connection.execute(WAITING)}

    def take_next(self, worker: str, *, only: Collection[str] | None = None) -> JobRecord | None:
        """Begin the job whose turn it is; only: among these ids. None where nothing waits."""
        with self.database.reading() as connection:
            if connection.execute(WAITING + " LIMIT 1").fetchone() is None:
                return None
        with self.database.writing(lasting=True) as connection:
            for row in connection.execute(WAITING).fetchall():
                if row["worker"] in ("", worker) and (only is None or row["id"] in only):
                    return rows.begin(connection, row["number"])
        return None

    def set_running(self, record: JobRecord) -> JobRecord:
        return self._move(record, state=JobState.RUNNING)

    def finish(self, record: JobRecord, state: JobState, error: FaceChainError | None) -> JobRecord:
        """Write down how a job has ended."""
        told = {"error": str(error or ""), "error_type": type(error).__name__ if error else ""}
        progress = {"progress": 1.0} if state is JobState.SUCCEEDED else {}
        done = {"state": state, "finished": time.time(), "eta_seconds": None}
        return self._move(record, lasting=True, **done, **told, **progress)

    def tell_progress(self, record: JobRecord, progress: float, eta_seconds: float | None) -> None:
        with self.database.writing() as connection:
            rows.set_facts(
                connection, record.number, {"progress": progress, "eta_seconds": eta_seconds}
            )

    def cancel(self, job_id: str) -> JobRecord | None:
        """Take a waiting job out, or note that one at work is asked to stop."""
        with self.database.writing(lasting=True) as connection:
            record = rows.one(connection, "id = ?", (job_id,))
            if record is None or record.state.over:
                return record
            rows.set_facts(connection, record.number, {"cancel_asked": 1})
            if record.state is JobState.QUEUED:
                return rows.end(connection, record, JobState.CANCELED, "Stopped before it began.")
            return rows.one(connection, "id = ?", (job_id,))

    def recover(self, worker: str) -> list[JobRecord]:
        """Queue what a process that is gone had at work again; return what cannot go on.

        Only who holds the queue may call it. Jobs that belonged to such a process alone end.
        """
        left = f"(state = 'queued' AND worker NOT IN ('', ?)) OR state IN {_texts(AT_WORK)}"
        ended = []
        with self.database.writing(lasting=True) as connection:
            found = connection.execute(f"SELECT * FROM jobs WHERE {left}", (worker,)).fetchall()
            for record in map(JobRecord.of, found):
                if record.cancel_asked:
                    ended.append(rows.end(connection, record, JobState.CANCELED, "Stopped."))
                elif record.worker not in ("", worker):
                    ended.append(rows.interrupt(connection, record))
                else:
                    rows.set_facts(connection, record.number, {"state": JobState.QUEUED.value})
                    rows.tell_state(connection, rows.numbered(connection, record.number))
        return ended

    def forget(self, records: Sequence[JobRecord]) -> None:
        """Delete jobs with their events."""
        with self.database.writing(lasting=True) as connection:
            numbers = [(record.number,) for record in records]
            connection.executemany("DELETE FROM jobs WHERE number = ?", numbers)

    def outdated(self, *, keep: int, oldest: float) -> list[JobRecord]:
        """Return the jobs that are over and beyond the newest ones, or ended before a time."""
        over = f"state NOT IN {_texts(ACTIVE)}"
        query = (
            f"SELECT * FROM jobs WHERE {over} AND (finished < ? OR number NOT IN "
            f"(SELECT number FROM jobs WHERE {over} ORDER BY number DESC LIMIT ?))"
        )
        with self.database.reading() as connection:
            return [JobRecord.of(row) for row in connection.execute(query, (oldest, keep))]

    def rename(self, name: str, new_name: str) -> None:
        """Let the jobs of a person be found under the new name."""
        values = (new_name, identity(new_name), identity(name))
        with self.database.writing(lasting=True) as connection:
            connection.execute(
                "UPDATE jobs SET person = ?, identity = ? WHERE identity = ?", values
            )

    def begin_deletion(self, name: str) -> None:
        """Note that a person and their jobs are to go."""
        with self.database.writing(lasting=True) as connection:
            connection.execute("INSERT OR REPLACE INTO deletions VALUES (?)", (identity(name),))

    def end_deletion(self, name: str) -> None:
        with self.database.writing(lasting=True) as connection:
            connection.execute("DELETE FROM deletions WHERE identity = ?", (identity(name),))

    def deletions(self) -> list[str]:
        """Return who was to go when a process ended, as `identity` tells people apart."""
        with self.database.reading() as connection:
            return [row["identity"] for row in connection.execute("SELECT * FROM deletions")]

    def _move(self, record: JobRecord, *, lasting: bool = False, **facts: Any) -> JobRecord:
        with self.database.writing(lasting=lasting) as connection:
            rows.set_facts(connection, record.number, facts)
            moved = rows.one(connection, "number = ?", (record.number,))
            if moved is None:  # deleted meanwhile, with its person
                return record
            rows.tell_state(connection, moved)
            return moved


def new_id() -> str:
    """Return an id that nobody can guess."""
    return uuid.uuid4().hex


def _called(connection: sqlite3.Connection, owner: str, client_id: str) -> JobRecord | None:
    return rows.one(connection, "owner = ? AND client_id = ?", (owner, client_id))


def _asked_before(
    connection: sqlite3.Connection, owner: str, client_id: str, digest: str
) -> JobRecord | None:
    known = _called(connection, owner, client_id) if client_id else None
    if known is not None and known.digest != digest:
        raise Conflict(f"A job {known.client_id!r} is there, and it asks for something else.")
    return known


def _texts(states: Collection[JobState]) -> str:
    return f"({', '.join(repr(state.value) for state in states)})"
