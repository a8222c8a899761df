"""The client that waits for answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import httpx

from facechain_ext.client.call import Call, Waits
from facechain_ext.client.calls import Calls
from facechain_ext.client.following import Following
from facechain_ext.client.records import Job, JobEvent
from facechain_ext.client.requesting import (
    Asking,
    answered,
    opened,
    options,
    request_of,
    saving,
)

T = TypeVar("T")
BLOCK = 1 << 18


class Client(Calls, Waits):
    """Speaks with one server; raises its errors as FaceChainError, with its sentence.

    url: as http://127.0.0.1:7870. token: of `facechain serve`; user and password: of a webui.
    timeout: seconds for one answer. patience: seconds without a word until a job is not followed
    any more. May be used by several threads.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        user: str = "",
        password: str = "",
        timeout: float = 60.0,
        patience: float = 60.0,
    ) -> None:
        self._http = httpx.Client(**options(url, token, user, password, timeout))
        self._patience = patience

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send a call, again where its answer was lost and that changes nothing."""
        asking = Asking(call)
        while True:
            try:
                return self._sent(call)
            except httpx.TransportError as error:  # noqa: PERF203
                time.sleep(asking.pause(error))

    def _sent(self, call: Call[T]) -> T:
        with ExitStack() as ends:
            facts = request_of(call, self._http.timeout, ends)
            if call.archive is not None:
                facts["content"] = _blocks(call.archive)
            response = self._http.send(self._http.build_request(**facts), stream=True)
            ends.callback(response.close)
            if call.into is None or not response.is_success:
                response.read()
                return answered(call, response)
            with saving(call.into) as file:
                for block in response.iter_bytes(BLOCK):
                    file.write(block)
            return call.read(b"")

    def events(self, job_id: str, after: int = 0) -> Iterator[JobEvent]:
        """Yield what happens to a job until it is over, over lost connections and restarts.

        after: the last event that was seen. Raises NotFound; NoAnswer when patience is at its end.
        """
        following = Following(job_id, after, self._patience)
        while True:
            lost = None
            try:
                yield from self._stream(following)
            except httpx.TransportError as error:
                lost = error
            if following.over:
                return
            time.sleep(following.pause(lost))

    def _stream(self, following: Following) -> Iterator[JobEvent]:
        with self._http.stream(**following.request) as response:
            if not response.is_success:
                response.read()
            if not following.begin(response):
                return
            for line in response.iter_lines():
                yield from following.line(line)
                if following.over:
                    return

    def finish(self, job: Job) -> Job:
        """Wait for a job to be over; raises what it failed of, Cancelled if it was canceled."""
        for _ in self.events(job.id):
            pass
        done = self.job(job.id)
        if done.reason is not None:
            raise done.reason
        return done


def _blocks(path: Path) -> Iterator[bytes]:
    with opened(path) as file:
        while block := file.read(BLOCK):
            yield block
