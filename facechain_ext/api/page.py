"""What the page in a browser is sent while work goes on: its HTML by element id, as it changes.

For the page's own script, behind the same gate as all; no part of what programs are promised.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from facechain_ext.api.errors import NotFound
from facechain_ext.api.operation import Call, Media, Operation
from facechain_ext.config.option import Validated, option
from facechain_ext.ui.live import Drawn, LivePage

GAP = 0.2
"""Seconds between two messages."""
SHARE = 0.1
"""The most of a stream's time that drawing takes: where it is slow, there are fewer messages."""
HEARTBEAT = 5.0
"""Seconds after which a message is sent though nothing has changed."""

HEADERS = {
    "Content-Encoding": "identity",  # keeps a webui's gzip layer from holding messages back
    "X-Accel-Buffering": "no",
}


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
    drawn = await _draw(_page_of(call), call.query)
    return PageNow(drawn.html, drawn.state, drawn.busy)


async def page_stream(call: Call) -> StreamingResponse:
    """Send how the page looks, then what of it changes, until the page or the server goes."""
    messages = _messages(call, _page_of(call))
    return StreamingResponse(messages, media_type="text/event-stream", headers=HEADERS)


def _page_of(call: Call) -> LivePage:
    """Return what draws; raises NotFound where no page belongs to this server.

    The page shows everybody: where people belong to somebody it is not to be had this way.
    """
    if call.services.page is None or call.services.config.owners:
        raise NotFound("There is no page here.")
    return call.services.page


async def _messages(call: Call, page: LivePage) -> AsyncIterator[bytes]:
    feed, shown = call.services.feed, Drawn({}, "", False)
    with feed.listening():
        while not feed.ended:
            turn, began = feed.turn, time.monotonic()
            drawn = await _draw(page, call.query)
            took = time.monotonic() - began
            yield _message(shown, drawn)
            shown = drawn
            await asyncio.sleep(max(GAP, took / SHARE))
            await feed.changed(turn, HEARTBEAT)


async def _draw(page: LivePage, view: View) -> Drawn:
    return await run_in_threadpool(page.draw, view.person, view.run)


def _message(before: Drawn, now: Drawn) -> bytes:
    """Return an event of what has changed; of nothing else than its beat where nothing has."""
    changed = {name: html for name, html in now.html.items() if before.html.get(name) != html}
    told: dict[str, Any] = {"html": changed, "state": now.state, "busy": now.busy}
    return f"data: {json.dumps(told, separators=(',', ':'))}\n\n".encode("ascii")


OPERATIONS = (
    Operation(
        "GET", "/page", page_stream, "Follow the page", "page",
        {200: Media("text/event-stream", "HTML by element id, as it changes.")}, query=View,
    ),
    Operation("GET", "/page/now", page_now, "See the page", "page", {200: PageNow}, query=View),
)  # fmt: skip
"""Kept out of the OpenAPI document."""
