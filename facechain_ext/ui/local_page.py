"""An ASGI layer that keeps the page to itself: no address outside, no file but gradio's own."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

OUTSIDE = re.compile(
    rb"<(script)\b[^>]*\bsrc=[\"']https?://[^>]*>\s*</script>"
    rb"|<link\b[^>]*\bhref=[\"']https?://[^>]*>",
    re.IGNORECASE,
)
POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "connect-src 'self' ws://{host} data: blob:; frame-ancestors 'none'; form-action 'self'"
)
LOCAL = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")


@dataclass(frozen=True)
class LocalPage:
    """Wraps gradio's app.

    Requests under another host name are refused (a page elsewhere may have pointed its name here),
    files outside `files` too. Scripts, fonts and style sheets from elsewhere are cut out of the
    page, and the browser is told not to load any.
    """

    app: App
    files: Path

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        host = _header(scope, b"host")
        if not LOCAL.fullmatch(host) or not self._may_read(scope["path"]):
            await refuse(scope["type"], send)
            return
        await self.app(scope, receive, _Cleaner(send, host) if scope["type"] == "http" else send)

    def _may_read(self, path: str) -> bool:
        """Allow files of gradio's temporary folder alone."""
        if "/file/" in path:
            return False
        _, asked, name = path.partition("/file=")
        if not asked:
            return True
        folder = self.files.resolve()
        try:
            return all(folder in Path(each).resolve().parents for each in (name, unquote(name)))
        except (OSError, ValueError, RuntimeError):  # no name of a file, or links in a circle
            return False


class _Cleaner:
    """Passes a response on; HTML is collected first and cleaned."""

    def __init__(self, send: Send, host: str) -> None:
        self._send, self._host = send, host
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *self._own_headers()]
            if _is_html(message):
                self._start = message
                return
        elif self._start is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)
            return
        await self._send(message)

    async def _finish(self, start: Message) -> None:
        body = OUTSIDE.sub(b"", self._body)
        kept = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
        start["headers"] = [*kept, (b"content-length", str(len(body)).encode("ascii"))]
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})

    def _own_headers(self) -> list[tuple[bytes, bytes]]:
        policy = POLICY.format(host=self._host).encode("ascii")
        return [(b"content-security-policy", policy), (b"referrer-policy", b"no-referrer")]


def _is_html(start: Message) -> bool:
    return any(k.lower() == b"content-type" and b"text/html" in v for k, v in start["headers"])


def _header(scope: Message, name: bytes) -> str:
    return next((v.decode("latin-1") for k, v in scope["headers"] if k == name), "")


async def refuse(kind: str, send: Send) -> None:
    """Answer a request ("http") or a connection ("websocket") that is not allowed."""
    if kind == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"9")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": b"forbidden"})
