"""The client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import TypeVar

import httpx

from facechain_ext.client.call import Call, WaitsNot
from facechain_ext.client.calls import Calls
from facechain_ext.client.client import BLOCK
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


class AsyncClient(Calls, WaitsNot):
    """Speaks with one server as Client does; every method returns an awaitable."""

    def __init__(
        self,
        url: str,
        token: str = "",
        user: str = "",
        password: str = "",
        timeout: float = 60.0,
        patience: float = 60.0,
    ) -> None:
        self._http = httpx.AsyncClient(**options(url, token, user, password, timeout))
        self._patience = patience

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Send a call, again where its answer was lost and that changes nothing."""
        asking = Asking(call)
        while True:
            try:
                return await self._sent(call)
            except httpx.TransportError as error:  # noqa: PERF203
                await asyncio.sleep(asking.pause(error))

    async def _sent(self, call: Call[T]) -> T:
        async with AsyncExitStack() as ends:
            facts = request_of(call, self._http.timeout, ends.enter_context(ExitStack()))
            if call.archive is not None:
                facts["content"] = _blocks(call.archive)
            response = await self._http.send(self._http.build_request(**facts), stream=True)
            ends.push_async_callback(response.aclose)
            if call.into is None or not response.is_success:
                await response.aread()
                return answered(call, response)
            with saving(call.into) as file:
                async for block in response.aiter_bytes(BLOCK):
                    file.write(block)
            return call.read(b"")

    async def events(self, job_id: str, after: int = 0) -> AsyncIterator[JobEvent]:
        """Yield what happens to a job until it is over, as `Client.events` does."""
        following = Following(job_id, after, self._patience)
        while True:
            lost = None
            try:
                async for event in self._stream(following):
                    yield event
            except httpx.TransportError as error:
                lost = error
            if following.over:
                return
            await asyncio.sleep(following.pause(lost))

    async def _stream(self, following: Following) -> AsyncIterator[JobEvent]:
        async with self._http.stream(**following.request) as response:
            if not response.is_success:
                await response.aread()
            if not following.begin(response):
                return
            async for line in response.aiter_lines():
                for event in following.line(line):
                    yield event
                if following.over:
                    return

    async def finish(self, job: Job) -> Job:
        """Wait for a job to be over; raises what it failed of, Cancelled if it was canceled."""
        async for _ in self.events(job.id):
            pass
        done = await self.job(job.id)
        if done.reason is not None:
            raise done.reason
        return done


async def _blocks(path: Path) -> AsyncIterator[bytes]:
    with opened(path) as file:
        while block := file.read(BLOCK):
            yield block
