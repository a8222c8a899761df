"""One piece of long work: its state, and its events kept for whoever looks at it."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from enum import Enum

from facechain_ext.base.errors import Cancelled, FaceChainError, describe
from facechain_ext.base.events import Event
from facechain_ext.base.host import Host

logger = logging.getLogger(__name__)

Work = Callable[[], Iterator[Event]]


class JobState(str, Enum):
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


class Job:
    """One piece of long work; every thread may look at it, follow it and cancel it.

    kind and subject say what it is about, e.g. "train" and a person's name.
    """

    def __init__(self, host: Host, title: str, work: Work, *, kind: str, subject: str) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.title = title
        self.kind = kind
        self.subject = subject
        self._host = host
        self._work = work
        self._changed = threading.Condition()
        self._state = JobState.QUEUED
        self._events: list[Event] = []
        self._passing: Event | None = None
        self._error: FaceChainError | None = None
        self._cancel_asked = False

    @property
    def state(self) -> JobState:
        with self._changed:
            return self._state

    @property
    def events(self) -> tuple[Event, ...]:
        """All events so far."""
        with self._changed:
            return tuple(self._events)

    @property
    def stopping(self) -> bool:
        """Whether it runs, and was asked to stop."""
        with self._changed:
            return self._cancel_asked and self._state is JobState.RUNNING

    @property
    def passing(self) -> Event | None:
        """What goes on between two events."""
        with self._changed:
            return self._passing

    def show(self, event: Event) -> None:
        """Let an event be seen until there is another; it is not kept. The work calls it."""
        with self._changed:
            self._passing = event

    @property
    def error(self) -> FaceChainError | None:
        """Why it failed or was cancelled: a sentence for the user."""
        with self._changed:
            return self._error

    def cancel(self) -> None:
        """Take a queued job out; ask a running one to stop at its next step."""
        with self._changed:
            self._cancel_asked = True
            if self._state is JobState.QUEUED:
                self._end(JobState.CANCELLED, Cancelled("Stopped before it began."))
            elif self._state is JobState.RUNNING:
                self._host.cancel()

    def wait(self, after: int = 0, timeout: float | None = None) -> tuple[Event, ...]:
        """Return the events from number `after` on; blocks until there is one or it is over.

        timeout: seconds; then the answer is empty.
        """
        with self._changed:
            self._changed.wait_for(lambda: len(self._events) > after or self._state.over, timeout)
            return tuple(self._events[after:])

    def follow(self, after: int = 0) -> Iterator[Event]:
        """Yield events from number `after` on as they come, until the job is over."""
        while events := self.wait(after):
            yield from events
            after += len(events)

    def run(self) -> None:
        """Do the work unless it was cancelled in the queue; the worker calls it once."""
        with self._changed:
            if self._state.over:
                return
            self._state = JobState.RUNNING
            self._changed.notify_all()
        try:
            self._iterate()
        except Cancelled as stopped:
            self._finish(JobState.CANCELLED, stopped)
        except FaceChainError as error:
            logger.warning("%s: %s", self.title, error)
            self._finish(JobState.FAILED, error)
        except OSError as error:
            logger.exception("%s failed", self.title)
            self._finish(JobState.FAILED, FaceChainError(describe(error)))
        except Exception as error:
            logger.exception("%s failed", self.title)
            sentence = f"Something unexpected went wrong ({type(error).__name__}: {error})."
            self._finish(JobState.FAILED, FaceChainError(sentence))
        else:
            self._finish(JobState.FINISHED, None)

    def _iterate(self) -> None:
        with self._host.job(self.title):
            with self._changed:
                if self._cancel_asked:  # before the host forgot earlier cancels
                    self._host.cancel()
            for event in self._work():
                self._host.progress(event)
                with self._changed:
                    self._events.append(event)
                    self._passing = None
                    self._changed.notify_all()

    def _finish(self, state: JobState, error: FaceChainError | None) -> None:
        if error is not None:
            _forget_frames(error)
        with self._changed:
            self._end(state, error)

    def _end(self, state: JobState, error: FaceChainError | None) -> None:
        self._state, self._error = state, error
        self._changed.notify_all()


def _forget_frames(error: BaseException) -> None:
    """Let go of where an error came from: its frames hold models, and jobs are kept."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
