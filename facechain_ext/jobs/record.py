"""What is written down of a job: everything that is needed to carry it out, or to tell of it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from facechain_ext.base import errors
from facechain_ext.base.errors import FaceChainError


class JobState(str, Enum):
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def over(self) -> bool:
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED)

    @property
    def at_work(self) -> bool:
        return self in (JobState.STARTING, JobState.RUNNING)


@dataclass(frozen=True)
class JobRecord:
    """One row of the table of jobs.

    number: grows with every job. client_id: what the one who submitted it calls it, "" for
    nothing. work: the facts of a `Work` of this kind; digest: of what was asked for. progress:
    0..1. created, started, finished: Unix seconds, UTC. attempts: how often it was begun. worker:
    the process that alone carries it out, "" for whichever looks after the queue.
    """

    number: int
    id: str
    client_id: str
    owner: str
    kind: str
    person: str
    title: str
    work: dict[str, Any]
    digest: str
    priority: int
    state: JobState
    progress: float
    eta_seconds: float | None
    error: str
    error_type: str
    created: float
    started: float | None
    finished: float | None
    cancel_asked: bool
    attempts: int
    worker: str

    @classmethod
    def of(cls, row: sqlite3.Row) -> JobRecord:
        """Read a row."""
        facts = {name: row[name] for name in _NAMES}
        return cls(
            **{
                **facts,
                "client_id": facts["client_id"] or "",
                "work": json.loads(facts["work"]),
                "state": JobState(facts["state"]),
                "cancel_asked": bool(facts["cancel_asked"]),
            }
        )

    @property
    def reason(self) -> FaceChainError | None:
        """Why it failed or was canceled, as the error that was raised."""
        if not self.error:
            return None
        kind = getattr(errors, self.error_type, FaceChainError)
        known = isinstance(kind, type) and issubclass(kind, FaceChainError)
        return kind(self.error) if known else FaceChainError(self.error)


_NAMES = tuple(spec.name for spec in fields(JobRecord))
