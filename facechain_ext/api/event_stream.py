"""A stream of Server-Sent Events: what was missed, then what happens, until the job is over."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from facechain_ext.api.cursor import Cursor
from facechain_ext.api.event_facts import (
    block,
    entry,
    passing_entry,
    progress_of,
    queue_of,
    running_progress,
)
from facechain_ext.api.feed import Feed
from facechain_ext.api.waiting import is_end
from facechain_ext.base.errors import FaceChainError
from facechain_ext.jobs.event_store import StoredEvent

EVENT_STREAM = "text/event-stream"
HEARTBEAT = 15.0
"""Seconds after which a comment shows that the stream lives."""
OPENING = b"retry: 2000\n\n"


@dataclass(eq=False)
class Told:
    """The blocks of one stream."""

    cursor: Cursor
    _said: float = field(default_factory=time.monotonic)
    _progress: Any = None
    _queue: Any = None

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """Yield blocks until the job is over, or for as long as the server lives."""
        yield OPENING
        feed, over = self.cursor.feed, False
        while not over and not feed.ended:
            turn = feed.turn
            for event in await self.cursor.read():
                yield self._said_now(feed.written.get(event.id, partial(_block_of, event)))
                over = over or (self.cursor.job is not None and is_end(event))
            if self.cursor.behind or over:
                continue
            for each in self._live():
                yield self._said_now(each)
            await feed.changed(turn, max(self._said + HEARTBEAT - time.monotonic(), 0.0))
            if time.monotonic() >= self._said + HEARTBEAT:
                yield self._said_now(b": alive\n\n")
                over = await self._is_gone()

    def _said_now(self, data: bytes) -> bytes:
        self._said = time.monotonic()
        return data

    def _live(self) -> list[bytes]:
        """Return what stands otherwise than it was told last."""
        standing, cursor = self.cursor.feed.standing, self.cursor
        blocks: list[bytes] = []
        if standing is None:
            return blocks
        running = standing.running
        job_id = cursor.job or (running.id if running else None)
        progress = (
            progress_of(standing, cursor.job)
            if cursor.job
            else running_progress(standing, cursor.owner)
        )
        if progress is not None and (job_id, progress) != self._progress:
            self._progress = (job_id, progress)
            told = partial(_passing_block, "progress", job_id, progress)
            blocks.append(cursor.feed.written.get((job_id, repr(progress)), told))
        queue = None if cursor.job else queue_of(standing, cursor.owner)
        if queue != self._queue:
            self._queue = queue
            blocks.append(_passing_block("queue", None, queue or {}))
        return blocks

    async def _is_gone(self) -> bool:
        """Tell whether the job was deleted meanwhile, and will have no last event."""
        if self.cursor.job is None:
            return False
        jobs = self.cursor.feed.jobs.books.jobs
        return await run_in_threadpool(jobs.record, self.cursor.job) is None


def _passing_block(kind: str, job_id: str | None, data: dict[str, Any]) -> bytes:
    return block(passing_entry(kind, job_id, data))


def _block_of(event: StoredEvent) -> bytes:
    return block(entry(event))


class Blocks(Protocol):
    """What a stream consists of."""

    def blocks(self) -> AsyncGenerator[bytes, None]:
        """Yield blocks until there will be no more."""


class EventStream(Response):
    """Sends the blocks of a stream, and lets go of everything when the client is gone."""

    media_type = EVENT_STREAM

    def __init__(self, feed: Feed, told: Blocks) -> None:
        # "identity" keeps a webui's gzip layer from holding blocks back.
        headers = {"Content-Encoding": "identity", "X-Accel-Buffering": "no"}
        super().__init__(headers=headers, media_type=EVENT_STREAM)
        del self.headers["content-length"]
        self.feed, self.told = feed, told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        with self.feed.listening():
            await send(head)
            async with anyio.create_task_group() as group, aclosing(self.told.blocks()) as blocks:

                async def until_gone() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    group.cancel_scope.cancel()

                group.start_soon(until_gone)
                await _send_all(blocks, send)
                group.cancel_scope.cancel()


async def _send_all(blocks: AsyncIterator[bytes], send: Send) -> None:
    try:
        async for data in blocks:
            await send({"type": "http.response.body", "body": data, "more_body": True})
    except FaceChainError:  # the books cannot be read any more; the feed has logged it
        pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})
