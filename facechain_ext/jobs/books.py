"""All that is kept of jobs, in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from facechain_ext.base.host import HostPaths
from facechain_ext.jobs.database import Database
from facechain_ext.jobs.event_codec import EventCodec
from facechain_ext.jobs.event_store import EventStore
from facechain_ext.jobs.files import JobFiles
from facechain_ext.jobs.store import JobStore


@dataclass(frozen=True)
class Books:
    """The database, what its tables say, and the folders beside it."""

    paths: HostPaths

    @cached_property
    def database(self) -> Database:
        return Database(self.paths.jobs_dir)

    @cached_property
    def jobs(self) -> JobStore:
        return JobStore(self.database)

    @cached_property
    def events(self) -> EventStore:
        return EventStore(self.database)

    @cached_property
    def files(self) -> JobFiles:
        return JobFiles(self.paths.jobs_dir / "files")

    def codec(self, job_id: str) -> EventCodec:
        return EventCodec(self.folder(job_id), self.paths)

    def folder(self, job_id: str) -> Path:
        return self.files.folder(job_id)
