"""The queue's lock: first come, first served."""

from __future__ import annotations

import collections
import threading


class FIFOLock:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inner_lock = threading.Lock()
        self._pending_threads: collections.deque[threading.Event] = collections.deque()

    def acquire(self, blocking: bool = True) -> bool:
        with self._inner_lock:
            if self._lock.acquire(False):
                return True
            if not blocking:
                return False
            woken = threading.Event()
            self._pending_threads.append(woken)
        woken.wait()
        return self._lock.acquire()

    def release(self) -> None:
        """Wake the first in the row; as in the webui, they must still get the lock after that."""
        with self._inner_lock:
            if self._pending_threads:
                self._pending_threads.popleft().set()
            self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()


queue_lock = FIFOLock()
