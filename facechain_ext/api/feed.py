"""What becomes of jobs, looked at once for all who listen: one thread, one wake-up per change."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from facechain_ext.api.written import Written
from facechain_ext.base.errors import FaceChainError
from facechain_ext.base.events import Event
from facechain_ext.jobs.event_store import StoredEvent
from facechain_ext.jobs.queue import Jobs
from facechain_ext.jobs.record import JobRecord
from facechain_ext.jobs.rows import STATE

logger = logging.getLogger(__name__)

PAUSE = 0.2
"""Seconds between two looks, so that quick steps are told a few at a time."""
LOOK = 0.25
KEPT = 500
"""Newest events in memory; who is further behind reads them from the books."""

Waiter = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]


@dataclass(frozen=True)
class Standing:
    """The job at work with what passes, and the owners of those that wait by id, in order."""

    running: JobRecord | None = None
    passing: Event | None = None
    waiting: Mapping[str, str] = field(default_factory=dict)

    def position(self, job_id: str) -> int:
        """Return a job's place in the queue, 0 where it does not wait."""
        return next((n for n, each in enumerate(self.waiting, 1) if each == job_id), 0)


@dataclass(eq=False)
class Feed:
    """Tells coroutines what is new. ending: whether the server wants to stop; then all streams end.
    written: what was sent, for those who are sent the same.

    Its thread lives while somebody listens. standing: None until its first look.
    """

    jobs: Jobs
    ending: Callable[[], bool]
    turn: int = 0
    standing: Standing | None = None
    written: Written = field(default_factory=Written)
    _listeners: int = 0
    _failed: bool = False
    _floor: int | None = None
    _recent: deque[StoredEvent] = field(default_factory=deque)
    _waiters: list[Waiter] = field(default_factory=list)
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Have the feed look for news."""
        with self._lock:
            self._listeners += 1
            if self._thread is None:
                self._failed = False
                self._thread = threading.Thread(
                    target=self._run, name="facechain-feed", daemon=True
                )
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._listeners -= 1

    @property
    def ended(self) -> bool:
        """Whether there will be no more news."""
        return self._failed or self.ending()

    @property
    def reached(self) -> int:
        """The newest event that was seen; all before it can be read from the books."""
        with self._lock:
            return self._recent[-1].id if self._recent else self._floor or 0

    def after(self, event_id: int) -> list[StoredEvent] | None:
        """Return all events after one; None where memory does not reach back that far."""
        with self._lock:
            if self._floor is None or event_id < self._floor:
                return None
            return [event for event in self._recent if event.id > event_id]

    async def changed(self, turn: int, timeout: float) -> bool:
        """Wait until there is something new since a turn, at most for some seconds."""
        waiter: Waiter = (loop := asyncio.get_running_loop(), loop.create_future())
        with self._lock:
            if self.turn != turn:
                return True
            self._waiters.append(waiter)
        try:
            await asyncio.wait_for(waiter[1], timeout)
            return True
        except asyncio.TimeoutError:
            return False
        finally:
            with self._lock, suppress(ValueError):
                self._waiters.remove(waiter)

    def _run(self) -> None:
        try:
            while self._goes_on():
                self._look()
        except (FaceChainError, OSError) as error:
            logger.warning("Events cannot be told: %s", error)
            self._stop()

    def _goes_on(self) -> bool:
        with self._lock:
            if self._listeners:
                return True
            self._forget()
            return False

    def _stop(self) -> None:
        with self._lock:
            self._failed = True
            self._forget()
        self._wake()

    def _forget(self) -> None:
        """Know nothing any more, as the thread ends; called with the lock held."""
        self._thread, self._floor, self.standing = None, None, None
        self._recent.clear()

    def _look(self) -> None:
        """Take what is new, tell it, and wait for more; a first look takes where things stand."""
        database = self.jobs.books.database
        version = database.version()
        first = self._floor is None
        news = [] if first else self._news()
        if first:
            self._begin(self.jobs.books.events.last())
        self.standing = self._stands(anew=any(event.type == STATE for event in news))
        self._wake()
        while self._listeners and database.version() == version:
            database.wait(version, LOOK)
            if self.ending():
                self._wake()
        time.sleep(PAUSE)

    def _begin(self, last: int) -> None:
        with self._lock:
            self._floor = last

    def _news(self) -> list[StoredEvent]:
        news = self.jobs.books.events.after(self.reached)
        with self._lock:
            self._recent.extend(news)
            while len(self._recent) > KEPT:
                self._floor = self._recent.popleft().id
        return news

    def _stands(self, *, anew: bool) -> Standing:
        before = self.standing
        waiting = self.jobs.books.jobs.waiting() if anew or before is None else before.waiting
        job = self.jobs.running
        if job is None:
            return Standing(waiting=waiting)
        return Standing(job.record, job.passing, waiting)

    def _wake(self) -> None:
        with self._lock:
            self.turn += 1
            waiters, self._waiters = self._waiters, []
        for loop, future in waiters:
            with suppress(RuntimeError):  # that loop has ended meanwhile
                loop.call_soon_threadsafe(_settle, future)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
