"""What is kept of jobs that are over, and for how long; what a crash left is put right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from facechain_ext.base.errors import Busy, InvalidInput, PersonNotFound
from facechain_ext.config import JobsConfig
from facechain_ext.jobs.books import Books
from facechain_ext.jobs.record import JobRecord, JobState
from facechain_ext.jobs.store import ACTIVE
from facechain_ext.jobs.template_work import MakeTemplate, people_in
from facechain_ext.library.names import identity
from facechain_ext.library.people import PeopleLibrary

DAY = 86400.0


@dataclass(frozen=True)
class Keeper:
    """Deletes jobs, with their pictures."""

    books: Books
    config: Callable[[], JobsConfig]

    def tidy(self) -> None:
        """Delete what is over for too long, or too many."""
        config = self.config()
        oldest = time.time() - config.keep_days * DAY
        self.forget(self.books.jobs.outdated(keep=config.keep_jobs, oldest=oldest))

    def forget(self, records: Sequence[JobRecord]) -> None:
        """Delete jobs that are over, their pictures first: nothing else leads to those."""
        for record in records:
            self.books.files.remove(record.id)
        if records:
            self.books.jobs.forget(records)

    def recover(self, worker: str, library: PeopleLibrary) -> None:
        """Put right what processes left that are gone; only who holds the queue may."""
        self.books.jobs.recover(worker)
        for identified in self.books.jobs.deletions():
            if not _is_there(library, identified):
                self._forget_person(identified)
            self.books.jobs.end_deletion(identified)
        records = self.books.jobs.records()
        for record in records:
            if record.state.over:
                self.books.files.forget_uploads(record.id)
        self.books.files.remove_others({record.id for record in records})
        self.tidy()

    def require_idle(self, name: str) -> None:
        """Raise Busy while a job about a person is at work or waits."""
        if self._about(name, ACTIVE):
            raise Busy(f"{name} is being worked on. Stop that first, or wait for it.")

    def delete_person(self, name: str, library: PeopleLibrary) -> list[Path]:
        """Remove all about a person, and the jobs that were about them; return what went.

        Raises Busy while one of those is at work or waits, and what the library raises.
        """
        with self._deletion(name):
            removed = library.delete(name)
            self._forget_person(name)
        return removed

    @contextmanager
    def _deletion(self, name: str) -> Iterator[None]:
        """Note that a person goes, so that their jobs do too, whatever happens meanwhile."""
        self.require_idle(name)
        self.books.jobs.begin_deletion(name)
        yield  # after a failure the note stays: the person may be gone
        self.books.jobs.end_deletion(name)

    def _forget_person(self, name: str) -> None:
        self.forget(self._about(name))
        self.books.database.checkpoint()

    def _about(self, name: str, states: Sequence[JobState] = ()) -> list[JobRecord]:
        """Return the jobs about a person, and those that paint them in beside somebody else."""
        jobs = self.books.jobs
        beside = jobs.records(kind=MakeTemplate.kind, states=states)
        own = jobs.records(person=name, states=states)
        known = {record.id for record in own}
        wanted = identity(name)
        return own + [
            record
            for record in beside
            if record.id not in known and wanted in map(identity, people_in(record.work))
        ]


def _is_there(library: PeopleLibrary, name: str) -> bool:
    try:
        library.get(name)
    except PersonNotFound:
        return False
    except InvalidInput:  # damaged, and there
        return True
    return True
