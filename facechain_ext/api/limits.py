"""How much one user may ask: requests a minute, bytes of a body."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.types import Message, Receive

from facechain_ext.api.errors import TooLarge, TooOften

MOST_REMEMBERED = 10_000
"""Users and addresses; beyond it those who have asked least lately are forgotten."""


@dataclass(eq=False)
class Allowance:
    """So many a minute for each of those who ask, all at once if they like; 0: no limit."""

    per_minute: int
    clock: Callable[[], float] = time.monotonic
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, who: str, count: int = 1) -> None:
        """Use some of it up; raises TooOften, with the seconds until there is more."""
        if not self.per_minute:
            return
        with self._lock:
            now = self.clock()
            left = self._now_left(who, now)
            if left < count:
                seconds = (count - left) * 60 / self.per_minute
                raise TooOften(
                    f"More than {self.per_minute:,} requests in a minute. "
                    f"Ask again in {math.ceil(seconds)} s.",
                    seconds,
                )
            self._left.pop(who, None)
            self._left[who] = (left - count, now)
            if len(self._left) > MOST_REMEMBERED:
                del self._left[next(iter(self._left))]

    def _now_left(self, who: str, now: float) -> float:
        left, then = self._left.get(who, (float(self.per_minute), now))
        return min(left + (now - then) * self.per_minute / 60, float(self.per_minute))


def limited(receive: Receive, most: int) -> Receive:
    """Return a `receive` that raises TooLarge once a body has more than `most` bytes."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise too_many_bytes(most)
        return message

    return counted


def too_many_bytes(most: int) -> TooLarge:
    """Return the error for a body of more bytes."""
    size = f"{most / 2**20:,.0f} MB" if most >= 2**20 else f"{most / 2**10:,.0f} kB"
    return TooLarge(f"The body is larger than {size}.")
