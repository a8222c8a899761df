"""The ASGI layer in front of every address of the API, known or not, files and streams too.

It asks who comes before anything of the request is read: a route cannot forget to.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facechain_ext.api.answers import error_answer
from facechain_ext.api.errors import BadRequest, Forbidden, Unauthorized
from facechain_ext.api.operation import VERSION
from facechain_ext.api.services import ApiServices
from facechain_ext.ui.local_page import LOCAL

USER = "facechain_user"
"""Where a scope holds who asks."""

OWN_SITES = ("same-origin", "none")
HEADERS = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}
"""On every answer: photos of people are kept by nobody, and shown on no other page."""


@dataclass(frozen=True)
class Gate:
    """Wraps the app; lets through who may use the API, from where they may."""

    app: ASGIApp
    services: ApiServices

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            self._require_own_page(connection)
            scope[USER] = self._admitted(connection)
        except Exception as error:  # noqa: BLE001  # whatever it is, nobody comes in
            response = error_answer(error, challenge=self._challenge(connection))
            await response(scope, receive, _guarded(send))
            return
        await self.app(scope, receive, _guarded(send))

    def _challenge(self, connection: HTTPConnection) -> str:
        """Return how to log in; nothing to the page's script: a browser would ask in its midst."""
        asked = connection.scope["path"].removesuffix("/now")
        return "" if asked.endswith(f"{VERSION}/page") else self.services.auth.challenge

    def _require_own_page(self, connection: HTTPConnection) -> None:
        """Refuse what a page of another site makes a browser send; it would send cookies too."""
        if connection.headers.get("upgrade", "").lower() == "websocket":
            raise BadRequest("There are no websockets here.")
        host = connection.headers.get("host", "")
        if self.services.local_only and not LOCAL.fullmatch(host):
            raise Forbidden("Only this computer may ask, under the name localhost or 127.0.0.1.")
        origin = connection.headers.get("origin", "")
        site = connection.headers.get("sec-fetch-site", "")
        foreign = site not in OWN_SITES if site else origin and _netloc(origin) != host.lower()
        if foreign and not (origin and self.services.auth.trusts(origin)):
            raise Forbidden(
                "A page of another site asks for this. The webui's --cors-allow-origins can allow "
                "it; programs leave Origin out."
            )

    def _admitted(self, connection: HTTPConnection) -> str:
        address = connection.client.host if connection.client else ""
        try:
            user = self.services.auth.user(connection)
        except Unauthorized:
            self.services.failures.take(address)
            raise
        self.services.requests.take(user or address)
        return user


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _guarded(send: Send) -> Send:
    """Return a `send` that adds our headers to an answer."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message.get("headers", [])}
            own = [(name, value) for name, value in HEADERS.items() if name not in there]
            message["headers"] = [*message.get("headers", []), *own]
        await send(message)

    return with_headers
