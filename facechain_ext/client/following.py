"""A job's events out of the lines of a stream, and when to ask again for one that has ended."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from facechain_ext.client.call import at
from facechain_ext.client.errors import NotUnderstood
from facechain_ext.client.reading import read
from facechain_ext.client.records import JobEvent
from facechain_ext.client.requesting import no_answer, require_success

SILENCE = 45.0
"""Seconds without a word after which a stream is taken for dead; the server says one each 15."""
SHORTEST, LONGEST = 0.5, 8.0
"""Seconds between two tries; each is twice the one before."""
PASSING = (429, 502, 503, 504)
"""Statuses of a server that starts, or of a proxy in front of it."""


@dataclass
class Following:
    """One job, followed over as many connections as it takes.

    after: the last event that was seen. patience: seconds without a word until it is given up.
    """

    job_id: str
    after: int = 0
    patience: float = 60.0
    over: bool = False
    _heard: float = field(default_factory=time.monotonic)
    _pause: float = SHORTEST
    _data: list[str] = field(default_factory=list)

    @property
    def request(self) -> dict[str, Any]:
        """What httpx asks for the stream with."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(self.after)}
        path = at("jobs", self.job_id, "events")
        return {
            "method": "GET",
            "url": path,
            "headers": headers,
            "timeout": httpx.Timeout(SILENCE, connect=10.0),
        }

    def begin(self, response: httpx.Response) -> bool:
        """Tell whether events will come; raises what the server refuses."""
        self._data.clear()
        if response.status_code in PASSING and self._left() > 0:
            return False
        require_success(response)
        self.over = response.status_code == 204
        return not self.over

    def line(self, line: str) -> Iterator[JobEvent]:
        """Take a line of the stream; yields an event when it is whole, and never one twice."""
        self._heard, self._pause = time.monotonic(), SHORTEST
        if line.startswith("data:"):
            self._data.append(line[5:].removeprefix(" "))
        elif not line and self._data:
            event = _event("\n".join(self._data))
            self._data.clear()
            if event.id is None or event.id > self.after:
                self.after = event.id or self.after
                self.over = event.ends
                yield event

    def pause(self, error: httpx.TransportError | None) -> float:
        """Return the seconds until the next try; raises NoAnswer when patience is at its end."""
        left = self._left()
        if left <= 0:
            raise no_answer(error or httpx.ReadError("it says nothing any more")) from error
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST)
        return min(pause, left)

    def _left(self) -> float:
        return self._heard + self.patience - time.monotonic()


def _event(text: str) -> JobEvent:
    try:
        decoded = json.loads(text)
    except ValueError as error:
        raise NotUnderstood("What the server tells of the job is not JSON.") from error
    event: JobEvent = read(JobEvent, decoded)
    return event
