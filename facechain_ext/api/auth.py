"""Who asks: one question to every request, answered by what the program we live in knows."""

from __future__ import annotations

from typing import Protocol

from starlette.requests import HTTPConnection


class Auth(Protocol):
    """Knows who may use the API."""

    @property
    def challenge(self) -> str:
        """What a refused client is told of how to log in (WWW-Authenticate); may be empty."""

    def user(self, connection: HTTPConnection) -> str:
        """Return who asks, "" where everybody may; raises Unauthorized."""

    def trusts(self, origin: str) -> bool:
        """Tell whether pages of another origin, such as https://my.shop, may ask."""


class Open:
    """Lets everybody in who reaches the port."""

    challenge = ""

    def user(self, connection: HTTPConnection) -> str:
        return ""

    def trusts(self, origin: str) -> bool:
        return False
