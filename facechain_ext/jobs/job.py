"""One piece of long work: its state, and its events, for whoever looks at it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from facechain_ext.base.errors import FaceChainError
from facechain_ext.base.events import Event
from facechain_ext.jobs.books import Books
from facechain_ext.jobs.record import JobRecord, JobState

LOOK = 0.5
"""Seconds after which who waits for an event looks up, for a press of Ctrl-C, say."""


class Job:
    """A job as it stands in the books; every thread may look at it, follow it and cancel it.

    Of a job that this process carries out the events are kept as they came; of others they are
    read back.
    """

    def __init__(self, books: Books, record: JobRecord) -> None:
        self.id, self.kind, self.title = record.id, record.kind, record.title
        self._books = books
        self._record = record
        self._as_of: tuple[int, int] | None = None
        self._lock = threading.RLock()
        self._events: list[Event] = []
        self._read = 0
        self._passing: Event | None = None
        self._stop_here: Callable[[], None] | None = None

    @property
    def record(self) -> JobRecord:
        """What is written down of it now; what was last, once it is deleted."""
        with self._lock:
            version = self._books.database.version()
            if not self._record.state.over and version != self._as_of:
                gone = replace(self._record, state=JobState.CANCELED)
                self._record = self._books.jobs.record(self.id) or gone
                self._as_of = version
            return self._record

    def renew(self, record: JobRecord, version: tuple[int, int]) -> Job:
        """Take over what was read since the books were of a version."""
        with self._lock:
            if not self._record.state.over:
                self._record, self._as_of = record, version
            return self

    @property
    def state(self) -> JobState:
        return self.record.state

    @property
    def person(self) -> str:
        """Whom it is about; empty where it is about nobody."""
        return self.record.person

    @property
    def folder(self) -> Path:
        """Where the pictures of its events are."""
        return self._books.folder(self.id)

    @property
    def position(self) -> int:
        """Its place among those that wait, the next one's 1; 0 once it has begun."""
        return self._books.jobs.positions().get(self.id, 0)

    @property
    def stopping(self) -> bool:
        """Whether it runs, and was asked to stop."""
        record = self.record
        return record.cancel_asked and record.state.at_work

    @property
    def error(self) -> FaceChainError | None:
        """Why it failed or was canceled: a sentence for the user."""
        return self.record.reason

    @property
    def events(self) -> tuple[Event, ...]:
        """All events so far."""
        with self._lock:
            self._read_on()
            return tuple(self._events)

    def _read_on(self) -> None:
        """Take in what is written down since the last look; called with the lock held."""
        for stored in self._books.events.after(self._read, job=self.id):
            self._read = stored.id
            event = self._books.codec(self.id).decode(stored.type, stored.data)
            if event is not None:
                self._events.append(event)

    @property
    def passing(self) -> Event | None:
        """What goes on between two events; known to the process that carries it out."""
        return self._passing

    def cancel(self) -> None:
        """Take a queued job out; ask one at work to stop at its next step."""
        self._books.jobs.cancel(self.id)
        if (stop := self._stop_here) is not None:
            stop()

    def wait(self, after: int = 0, timeout: float | None = None) -> tuple[Event, ...]:
        """Return the events from number `after` on; blocks until there is one or it is over.

        timeout: seconds; then the answer is empty.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            version, over = self._books.database.version(), self.state.over
            if len(events := self.events) > after or over:
                return events[after:]
            left = LOOK if until is None else until - time.monotonic()
            if left <= 0:
                return ()
            self._books.database.wait(version, left)

    def follow(self, after: int = 0) -> Iterator[Event]:
        """Yield events from number `after` on as they come, until the job is over."""
        while events := self.wait(after):
            yield from events
            after += len(events)

    # What only the worker calls.

    def begin(self, stop: Callable[[], None], *, anew: bool) -> None:
        """Be carried out by this process; anew: what an earlier try has shown is forgotten, else
        what this one shows comes after it."""
        with self._lock:
            self._stop_here = stop
            if anew:
                self._books.events.begin_anew(self._record.number)
                self._events, self._read = [], self._books.events.last()
            self._read_on()

    def add(self, event: Event) -> None:
        """Write an event down."""
        with self._lock:
            written = self._books.codec(self.id).encode(event)
            self._events.append(event)
            self._passing = None
            if written is not None:
                self._read = self._books.events.add(self._record.number, *written)

    def show(self, event: Event) -> None:
        """Let an event be seen until there is another; it is not kept."""
        self._passing = event
        self._books.database.ring()

    def end(self, state: JobState, error: FaceChainError | None) -> None:
        """Write down how it has ended."""
        with self._lock:
            self._stop_here = self._passing = None
            self._record = self._books.jobs.finish(self._record, state, error)
