"""What the page in a browser is sent while work goes on: its HTML by element id, as it changes.

For the page's own script, behind the same gate as all; none of what programs are promised.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool

from facechain_ext.api.event_stream import EVENT_STREAM, EventStream
from facechain_ext.api.operation import Call, Media, Operation
from facechain_ext.config.option import Validated, option
from facechain_ext.ui.live import Drawn

GAP = 0.2
"""Seconds between two messages."""
SHARE = 0.1
"""The most of a stream's time that drawing takes: where it is slow, there are fewer messages."""
HEARTBEAT = 5.0
"""Seconds after which a message is sent though nothing has changed."""


@dataclass(frozen=True)
class View(Validated):
    """What the page shows."""

    person: str = option("", label="Person", help="Whom the People page shows, by name.")
    run: str = option("", label="Training", help="Which training, as the page's list calls it.")


@dataclass(frozen=True)
class PageNow:
    """All of it at once."""

    html: dict[str, str]
    state: str
    busy: bool


async def page_now(call: Call) -> PageNow:
    """Answer with how the page looks now."""
    drawn = await Following(call).draw()
    return PageNow(drawn.html, drawn.state, drawn.busy)


async def page_stream(call: Call) -> EventStream:
    """Send how the page looks, then what of it changes, until the page or the server goes."""
    return EventStream(call.services.feed, Following(call))


@dataclass(frozen=True)
class Following:
    """What one page is sent."""

    call: Call

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """Yield all at first, then what changes."""
        feed, shown = self.call.services.feed, Drawn({}, "", False)
        while not feed.ended:
            turn, began = feed.turn, time.monotonic()
            drawn = await self.draw()
            took = time.monotonic() - began
            yield _message(shown, drawn)
            shown = drawn
            await asyncio.sleep(max(GAP, took / SHARE))
            await feed.changed(turn, HEARTBEAT)

    async def draw(self) -> Drawn:
        page, view = self.call.services.page, self.call.query
        assert page is not None
        return await run_in_threadpool(page.draw, view.person, view.run)


def _message(before: Drawn, now: Drawn) -> bytes:
    """Return an event of what has changed; of nothing else than its beat where nothing has."""
    changed = {name: html for name, html in now.html.items() if before.html.get(name) != html}
    told: dict[str, Any] = {"html": changed, "state": now.state, "busy": now.busy}
    return f"data: {json.dumps(told, separators=(',', ':'))}\n\n".encode("ascii")


OPERATIONS = (
    Operation(
        "GET", "/page", page_stream, "Follow the page", "page",
        {200: Media(EVENT_STREAM, "HTML by element id, as it changes.")}, query=View,
    ),
    Operation("GET", "/page/now", page_now, "See the page", "page", {200: PageNow}, query=View),
)  # fmt: skip
"""Kept out of the OpenAPI document."""
