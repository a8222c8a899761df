"""Single rows of the table of jobs, read and changed inside a transaction of the caller."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from facechain_ext.base.errors import Cancelled, Interrupted
from facechain_ext.jobs.record import JobRecord, JobState

STATE = "state"
"""The type of the events that tell of a job's state."""


def one(connection: sqlite3.Connection, test: str, values: Sequence[object]) -> JobRecord | None:
    row = connection.execute(f"SELECT * FROM jobs WHERE {test}", values).fetchone()
    return None if row is None else JobRecord.of(row)


def numbered(connection: sqlite3.Connection, number: int) -> JobRecord:
    record = one(connection, "number = ?", (number,))
    assert record is not None
    return record


def begin(connection: sqlite3.Connection, number: int) -> JobRecord:
    record = numbered(connection, number)
    started = time.time() if record.started is None else record.started
    facts = {"state": JobState.STARTING, "started": started, "attempts": record.attempts + 1}
    set_facts(connection, number, facts)
    connection.execute(
        "INSERT INTO owners SELECT ?, coalesce(max(served), 0) + 1 FROM owners WHERE true "
        "ON CONFLICT (owner) DO UPDATE SET served = excluded.served",
        (record.owner,),
    )
    record = numbered(connection, number)
    tell_state(connection, record)
    return record


def interrupt(connection: sqlite3.Connection, record: JobRecord) -> JobRecord:
    sentence = "The program ended before this was done."
    return end(connection, record, JobState.FAILED, sentence, Interrupted.__name__)


def end(
    connection: sqlite3.Connection,
    record: JobRecord,
    state: JobState,
    sentence: str,
    kind: str = Cancelled.__name__,
) -> JobRecord:
    facts = {"state": state, "error": sentence, "error_type": kind, "finished": time.time()}
    set_facts(connection, record.number, facts)
    record = numbered(connection, record.number)
    tell_state(connection, record)
    return record


def set_facts(connection: sqlite3.Connection, number: int, facts: dict[str, Any]) -> None:
    plain = {k: v.value if isinstance(v, JobState) else v for k, v in facts.items()}
    changes = ", ".join(f"{name} = :{name}" for name in plain)
    connection.execute(
        f"UPDATE jobs SET {changes} WHERE number = :number", {**plain, "number": number}
    )


def tell_state(connection: sqlite3.Connection, record: JobRecord) -> None:
    data = {"state": record.state.value}
    if record.error:
        data |= {"error": record.error, "error_type": record.error_type}
    connection.execute(
        "INSERT INTO events (job, time, type, data) VALUES (?, ?, ?, ?)",
        (record.number, time.time(), STATE, json.dumps(data, ensure_ascii=False)),
    )
