"""Long work in the background: one job at a time, kept so that nothing of it is lost."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from facechain_ext.base.errors import FaceChainError
from facechain_ext.base.events import Event
from facechain_ext.config import JobsConfig
from facechain_ext.jobs.books import Books
from facechain_ext.jobs.files import digest_of
from facechain_ext.jobs.holder import Holder
from facechain_ext.jobs.job import Job
from facechain_ext.jobs.keeper import Keeper
from facechain_ext.jobs.kinds import KINDS, WorkKind
from facechain_ext.jobs.record import JobRecord, JobState
from facechain_ext.jobs.store import ACTIVE, Submission, new_id
from facechain_ext.jobs.work import Work
from facechain_ext.jobs.worker import Worker
from facechain_ext.studio.studio import Studio

__all__ = ["Job", "JobState", "Jobs", "Work"]

logger = logging.getLogger(__name__)

SHOWN_JOBS = 20
LOOK = 1.0
"""Seconds after which the queue is looked at again."""


class Jobs:
    """The jobs of a data folder, over one studio.

    What this process submits it carries out on a thread that ends when nothing is left; after
    `start` that thread stays, and carries out everybody's. While another process holds the queue
    that one does it.
    """

    def __init__(
        self,
        studio: Studio,
        config: Callable[[], JobsConfig] = JobsConfig,
        *,
        program: str = "FaceChain",
        kinds: Mapping[str, WorkKind] = KINDS,
    ) -> None:
        self.studio = studio
        self.config = config
        self.books = Books(studio.host.paths)
        self._keeper = Keeper(self.books, self.config)
        self._worker = Worker(studio, self.books, kinds)
        self._holder = Holder(studio.host.paths.jobs_dir, program)
        self._token = new_id()
        self._lock = threading.RLock()
        self._known: dict[str, Job] = {}
        self._read: tuple[tuple[int, int] | None, list[JobRecord]] = (None, [])
        self._mine: set[str] = set()
        self._thread: threading.Thread | None = None
        self._stays = self._closing = False

    def submit(
        self,
        work: Work,
        *,
        owner: str = "",
        client_id: str = "",
        priority: int = 0,
        asked: str = "",
    ) -> Job:
        """Queue work; it is kept for good when this returns.

        client_id: asked for again with the same work, the job that is there is returned. asked: the
        words in which the client asked for it, without what it left to defaults. Raises Conflict
        for other work, TooMany, and what keeps the work from being done.
        """
        record = self._submit(work, owner, client_id, priority, worker="", asked=asked)
        with self._lock:
            self._mine.add(record.id)
            self._wake()
        return self._job(record)

    def run_here(self, work: Work) -> Iterator[Event]:
        """Do work on this thread, and yield its events; where another process holds the queue,
        queue it there and follow it. Raises what the work raises."""
        with self._held() as held:
            if not held:
                yield from self._followed(self.submit(work))
                return
            record = self._submit(work, "", "", 0, worker=self._token)
            taken = self.books.jobs.take_next(self._token, only=(record.id,))
            assert taken is not None
            yield from self._worker.carried_out(self._job(taken))
            self._keeper.tidy()

    @contextmanager
    def _held(self) -> Iterator[bool]:
        """Hold the queue for a while, with nothing left of processes that are gone; yields whether
        nobody else does, this process's own thread included."""
        holder = Holder(self.studio.host.paths.jobs_dir, self._holder.program)
        if not holder.take():
            yield False
            return
        try:
            self._keeper.recover(self._token, self.studio.library)
            yield True
        finally:
            holder.release()

    def _followed(self, job: Job) -> Iterator[Event]:
        seen = 0
        while not job.state.over or len(job.events) > seen:
            for event in job.wait(seen, LOOK):
                seen += 1
                yield event
            if self.studio.host.cancelled():
                job.cancel()
        if job.error is not None:
            raise job.error

    def asked_before(
        self, owner: str, client_id: str, asked: str, photos: Sequence[Path]
    ) -> JobRecord | None:
        """Return the job that a client asked for in the same words; raises Conflict for others."""
        return self.books.jobs.asked_before(owner, client_id, digest_of(asked, photos))

    def _submit(
        self, work: Work, owner: str, client_id: str, priority: int, worker: str, asked: str = ""
    ) -> JobRecord:
        digest = ""
        if client_id:
            asked = asked or json.dumps([work.kind, work.person, work.facts()], sort_keys=True)
            digest = digest_of(asked, work.photos)
            if known := self.books.jobs.asked_before(owner, client_id, digest):
                return known
        work.require(self.studio)
        job_id, settled = new_id(), work.settled(self.studio)
        submission = Submission(
            work.kind,
            *(work.person, work.title, settled.facts(), owner, client_id),
            *(digest, priority, worker),
        )
        self.books.files.keep_uploads(job_id, work.photos)
        try:
            record = self.books.jobs.add(submission, job_id, most_queued=self.config().most_queued)
        except BaseException:
            self.books.files.remove(job_id)
            raise
        if record.id != job_id:
            self.books.files.remove(job_id)
        return record

    def all(self) -> list[Job]:
        """Return the jobs that wait or run, and the latest ones that are over, oldest first."""
        version = self.books.database.version()
        active = self._active(version)
        over = [state for state in JobState if state not in ACTIVE]
        latest = self.books.jobs.records(states=over, limit=SHOWN_JOBS)
        # One that ended between the two looks was seen by both; what was seen last is so.
        found = {record.id: record for record in (*active, *latest)}
        records = sorted(found.values(), key=lambda record: record.number)
        jobs = [self._job(record).renew(record, version) for record in records]
        self._let_go(jobs)
        return jobs

    def _active(self, version: tuple[int, int]) -> list[JobRecord]:
        """Return those that wait or run, read once for a version of the books."""
        known, records = self._read
        if known != version:
            records = self.books.jobs.records(states=ACTIVE)
            self._read = version, records
        return records

    def _let_go(self, shown: Sequence[Job]) -> None:
        """Keep no events in memory of jobs that are over and not shown any more."""
        with self._lock:
            ids = {job.id for job in shown}
            known = self._known.items()
            self._known = {key: job for key, job in known if key in ids or not job.state.over}

    def active(self) -> list[Job]:
        """Return the running job, then those that wait, in the order in which they will run."""
        version, places = self.books.database.version(), self.books.jobs.positions()
        records = sorted(
            self._active(version), key=lambda record: (places.get(record.id, 0), record.number)
        )
        return [self._job(record).renew(record, version) for record in records]

    @property
    def running(self) -> Job | None:
        """The job at work."""
        at_work = [state for state in JobState if state.at_work]
        records = self.books.jobs.records(states=at_work, limit=1)
        return self._job(records[0]) if records else None

    def get(self, job_id: str) -> Job | None:
        record = self.books.jobs.record(job_id)
        return None if record is None else self._job(record)

    def latest(self, kind: str) -> Job | None:
        """Return the running job of this kind, else the newest one."""
        found = [job for job in self.all() if job.kind == kind]
        running = [job for job in found if job.state.at_work]
        return next(reversed(running or found), None)

    def stop_all(self) -> None:
        """Cancel everything, what waits first, so that nothing begins meanwhile."""
        for job in reversed(self.active()):
            job.cancel()

    def forget(self, job: Job) -> None:
        """Delete a job that is over, and with it the pictures of its events."""
        if job.state.over:
            self._keeper.forget([job.record])

    def delete_person(self, name: str) -> list[Path]:
        """Remove all about a person, and the jobs that were about them; return what went.

        Raises Busy while one of those is at work or waits, and what the library raises.
        """
        with self._held():
            return self._keeper.delete_person(name, self.studio.library)

    def require_idle(self, name: str) -> None:
        """Raise Busy while a job about a person is at work or waits."""
        self._keeper.require_idle(name)

    def renamed(self, name: str, new_name: str) -> None:
        """Let a person's jobs be found under the new name."""
        self.books.jobs.rename(name, new_name)

    def holder(self) -> str:
        """Say which other program carries the jobs out; empty where none does."""
        return self._holder.other()

    def start(self) -> None:
        """Carry out everybody's jobs from now on, those first that an earlier process left."""
        with self._lock:
            self._stays = True
            self._wake()

    def close(self) -> None:
        """Begin no more jobs; waits for the one at work, and closes the books."""
        with self._lock:
            self._closing, thread = True, self._thread
        if thread is not None:
            thread.join()
        self.books.database.close()

    def _job(self, record: JobRecord) -> Job:
        """Return the one object that stands for a job in this process."""
        with self._lock:
            return self._known.setdefault(record.id, Job(self.books, record))

    def _wake(self) -> None:
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._run, name="facechain-jobs", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        """Carry jobs out; the thread ends when there is nothing left for it to do."""
        while not self._ends():
            self._look()

    def _look(self) -> None:
        """Carry out the job whose turn it is, or wait a while."""
        try:
            begun = self._holder.here or self._take_over()
            record = self._next() if begun else None
            if record is not None:
                self._carry_out(self._job(record))
            else:
                self._pause()
        except Exception as error:
            foreseen = isinstance(error, (FaceChainError, OSError))
            logger.error("The jobs cannot be looked after: %s", error, exc_info=not foreseen)
            # Whoever takes over next puts right what could not be written down.
            self._holder.release()
            time.sleep(LOOK)

    def _ends(self) -> bool:
        """Tell whether the thread is to end, and let go of the queue then."""
        with self._lock:
            if not self._closing and (self._stays or self._mine):
                return False
            self._thread = None
            self._holder.release()
            return True

    def _take_over(self) -> bool:
        if not self._holder.take():
            return False
        self._keeper.recover(self._token, self.studio.library)
        return True

    def _next(self) -> JobRecord | None:
        only = None if self._stays else tuple(self._mine)
        return self.books.jobs.take_next(self._token, only=only)

    def _pause(self) -> None:
        """Wait for something to do; jobs that are over, here or elsewhere, are not waited for."""
        version = self.books.database.version()
        with self._lock:
            mine = tuple(self._mine)
        known = {job_id: self.books.jobs.record(job_id) for job_id in mine}
        with self._lock:
            self._mine -= {key for key, record in known.items() if not record or record.state.over}
        if self._mine or self._stays:
            self.books.database.wait(version, LOOK)

    def _carry_out(self, job: Job) -> None:
        self._worker.carry_out(job)
        with self._lock:
            self._mine.discard(job.id)
        self._keeper.tidy()
        self.all()  # which lets go of what is not shown any more
