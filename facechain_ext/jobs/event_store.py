"""The table of events: what every job has come to, numbered over all jobs."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from facechain_ext.jobs.database import Database
from facechain_ext.jobs.rows import STATE


@dataclass(frozen=True)
class StoredEvent:
    """id: grows with every event of any job. job: the job's id. data: JSON-ready; pictures are
    named by their files in the job's folder."""

    id: int
    job: str
    time: float
    type: str
    data: dict[str, Any]


@dataclass(frozen=True)
class EventStore:
    """Reads and adds events."""

    database: Database

    def add(self, number: int, kind: str, data: dict[str, Any]) -> int:
        """Write an event of the job of a number down, if that is still there; return its id."""
        text = json.dumps(data, ensure_ascii=False)
        with self.database.writing() as connection:
            cursor = connection.execute(
                "INSERT INTO events (job, time, type, data) "
                "SELECT number, ?, ?, ? FROM jobs WHERE number = ?",
                (time.time(), kind, text, number),
            )
            return int(cursor.lastrowid or 0)

    def after(
        self, event_id: int, *, job: str | None = None, owner: str | None = None, limit: int = -1
    ) -> list[StoredEvent]:
        """Return the events after one, in order, of one job or of an owner's."""
        tests, values = ["events.id > ?"], [event_id]
        for test, value in (("jobs.id = ?", job), ("jobs.owner = ?", owner)):
            if value is not None:
                tests.append(test)
                values.append(value)  # type: ignore[arg-type]
        query = (
            "SELECT events.*, jobs.id AS job_id FROM events JOIN jobs ON jobs.number = events.job "
            f"WHERE {' AND '.join(tests)} ORDER BY events.id LIMIT ?"
        )
        with self.database.reading() as connection:
            rows = connection.execute(query, (*values, limit)).fetchall()
        return [
            StoredEvent(r["id"], r["job_id"], r["time"], r["type"], json.loads(r["data"]))
            for r in rows
        ]

    def last(self) -> int:
        """Return the id of the newest event, 0 where there is none."""
        with self.database.reading() as connection:
            return int(connection.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0])

    def begin_anew(self, number: int) -> None:
        """Forget what a job has shown in an attempt that must be repeated; its states stay."""
        with self.database.writing() as connection:
            connection.execute("DELETE FROM events WHERE job = ? AND type != ?", (number, STATE))
