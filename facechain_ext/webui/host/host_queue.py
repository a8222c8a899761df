"""The webui's queue, in which its users' requests, its settings and our jobs take turns."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from modules import call_queue

LONGEST_WAKE = 1.0
"""Seconds that somebody who was woken may need to take their turn."""


class HostQueue:
    """Our place in the webui's queue; a thread that has its turn may take it again inside."""

    def __init__(self) -> None:
        self._lock = call_queue.queue_lock
        self._owner: int | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for our turn, and keep everybody else waiting until the block is left."""
        if self._owner == threading.get_ident():
            yield
            return
        self._lock.acquire()
        self._owner = threading.get_ident()
        try:
            yield
        finally:
            self._owner = None
            self._release()

    def others_waiting(self) -> bool:
        return bool(self._lock._pending_threads)

    def _release(self) -> None:
        """Release, and hold back until the one who waits has the turn.

        The webui's lock takes whom it wakes out of its row: who asks again at once gets ahead of
        them, and does not see them waiting.
        """
        waiting, deadline = self.others_waiting(), time.monotonic() + LONGEST_WAKE
        self._lock.release()
        while waiting and not self._lock._lock.locked() and time.monotonic() < deadline:
            time.sleep(0.005)
