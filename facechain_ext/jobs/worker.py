"""Carries out what the record of a job says, through the studio."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from facechain_ext.base.errors import Cancelled, FaceChainError, describe
from facechain_ext.base.events import Event, PhotoPrepared, Step
from facechain_ext.jobs.books import Books
from facechain_ext.jobs.job import Job
from facechain_ext.jobs.kinds import WorkKind
from facechain_ext.jobs.progress import seconds_left, share_of
from facechain_ext.jobs.record import JobState
from facechain_ext.jobs.work import Attempt, Work
from facechain_ext.studio.studio import Studio

logger = logging.getLogger(__name__)

Log = Callable[[Job, BaseException], None]

TRAINS = ("train", "train_style")
"""The kinds whose photos are the lesser part of the work."""
TELL_EVERY = 0.5
"""Seconds between two notes of how far a job is."""


@dataclass
class Worker:
    """Does one job after the other, on whichever thread asks it to."""

    studio: Studio
    books: Books
    kinds: Mapping[str, WorkKind]
    _told: float = 0.0

    def carry_out(self, job: Job) -> None:
        """Do a job to its end; what goes wrong is logged, and raised if it cannot be written
        down."""
        try:
            for _ in self.carried_out(job, log=_log):
                pass
        except Exception:
            if not job.state.over:
                raise

    def carried_out(self, job: Job, log: Log | None = None) -> Iterator[Event]:
        """Yield the events of a job; how it ends is written down before an error is raised.

        log: told of the error before anybody sees that the job is over.
        """
        try:
            yield from self._events_of(job)
        except BaseException as error:
            if log is not None:
                log(job, error)
            job.end(*how(error))
            raise
        else:
            job.end(JobState.SUCCEEDED, None)
        finally:
            self.books.files.forget_uploads(job.id)

    def _events_of(self, job: Job) -> Iterator[Event]:
        host, work = self.studio.host, self._work(job)
        job.begin(host.cancel, anew=job.record.attempts > 1 and not work.goes_on)
        with host.job(job.title):
            if job.record.cancel_asked:  # before the host forgot earlier cancels
                host.cancel()
            for event in work.run(self.studio, self._attempt(job)):
                host.progress(event)
                job.add(event)
                self._notice(job, event)
                yield event

    def _work(self, job: Job) -> Work:
        """Read what is to be done; raises FaceChainError for what this version cannot do."""
        record = job.record
        try:
            read = self.kinds[record.kind]
            return read(record.person, self.books.files.uploads(job.id), record.work)
        except (KeyError, TypeError) as error:
            raise FaceChainError(f"This version cannot do a job like {job.title!r}.") from error

    def _attempt(self, job: Job) -> Attempt:
        record = job.record

        def tell(event: Event) -> None:
            job.show(event)
            self._notice(job, event)

        since = record.started if record.attempts > 1 else None
        return Attempt(tell, record.owner, since)

    def _notice(self, job: Job, event: Event) -> None:
        """Write down how far it is, and see whether another process wants it to stop."""
        record = job.record
        if record.state is JobState.STARTING:
            self.books.jobs.set_running(record)
        if record.cancel_asked:
            self.studio.host.cancel()
        share, now = share_of(event), time.time()
        last = isinstance(event, Step) and event.step == event.total
        if share is None or (isinstance(event, PhotoPrepared) and record.kind in TRAINS):
            return
        if last or now - self._told >= TELL_EVERY:
            self._told = now
            left = seconds_left(event, share, now - (record.started or now))
            self.books.jobs.tell_progress(record, share, left)


def _log(job: Job, error: BaseException) -> None:
    if isinstance(error, (FaceChainError, OSError)):
        logger.warning("%s: %s", job.title, error)
    else:
        logger.error("%s failed", job.title, exc_info=error)


def how(error: BaseException) -> tuple[JobState, FaceChainError]:
    """Return the state in which a job ends by an error, and the sentence for the user."""
    if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
        return JobState.CANCELED, Cancelled("Stopped.")
    if isinstance(error, Cancelled):
        return JobState.CANCELED, error
    if isinstance(error, FaceChainError):
        return JobState.FAILED, error
    if isinstance(error, OSError):
        return JobState.FAILED, FaceChainError(describe(error))
    told = f"{type(error).__name__}: {error}"
    return JobState.FAILED, FaceChainError(f"Something unexpected went wrong ({told}).")
