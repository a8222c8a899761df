"""Who may use the API in a webui: by --api-auth's passwords, or by the login of its page."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from modules import shared
from starlette.requests import HTTPConnection

from facechain_ext.api.errors import Unauthorized

COOKIES = ("access-token", "access-token-unsecure")
"""What gradio calls its cookies; from version 4 on an id of the app follows."""


@dataclass(frozen=True)
class WebuiAuth:
    """Asks for what the webui was started with; app: its app, which knows who has logged in.

    passwords: (user, password) of --api-auth. has_login: whether the page asks for one.
    """

    app: Any
    passwords: tuple[tuple[str, str], ...] = ()
    has_login: bool = False

    @classmethod
    def of(cls, app: Any) -> WebuiAuth:
        """Read the webui's flags."""
        pairs = (pair.partition(":") for pair in (_flag("api_auth") or "").split(",") if pair)
        flags = _flag("gradio_auth"), _flag("gradio_auth_path"), getattr(app, "auth", None)
        return cls(app, tuple((user, word) for user, _, word in pairs), any(flags))

    @property
    def is_open(self) -> bool:
        """Whether everybody may who reaches the port."""
        return not self.passwords and not self.has_login

    @property
    def challenge(self) -> str:
        return 'Basic realm="FaceChain", charset="UTF-8"' if self.passwords else ""

    def user(self, connection: HTTPConnection) -> str:
        """Return who asks; either way in will do where there are both. Raises Unauthorized."""
        if self.is_open:
            return ""
        user = self._by_password(connection) or self._by_cookie(connection)
        if user is None:
            ways = ["the user and password of --api-auth"] if self.passwords else []
            ways += ["the login of the webui's page"] if self.has_login else []
            raise Unauthorized(f"This needs {' or '.join(ways)}.")
        return user

    def _by_password(self, connection: HTTPConnection) -> str | None:
        given = _basic(connection.headers.get("authorization", ""))
        return None if given is None else _matching(self.passwords, *given)

    def _by_cookie(self, connection: HTTPConnection) -> str | None:
        if not self.has_login:
            return None
        known = [(user, token) for token, user in [*getattr(self.app, "tokens", {}).items()]]
        given = (connection.cookies.get(name, "") for name in _cookie_names(self.app))
        return next(filter(None, (_matching(known, None, token) for token in given)), None)

    def trusts(self, origin: str) -> bool:
        """Tell whether --cors-allow-origins or its pattern names a page's origin."""
        named = (_flag("cors_allow_origins") or "").split(",")
        pattern = _flag("cors_allow_origins_regex")
        return origin in named or "*" in named or bool(pattern and re.fullmatch(pattern, origin))


def _matching(known: Iterable[tuple[str, str]], user: str | None, secret: str) -> str | None:
    """Return the user whose secret was given; it takes as long, whoever it is and is not."""
    found = None
    for name, word in known:
        right = hmac.compare_digest(word.encode("utf-8"), secret.encode("utf-8", "replace"))
        named = user is None or hmac.compare_digest(
            name.encode("utf-8"), user.encode("utf-8", "replace")
        )
        if right & named:
            found = name
    return found


def _basic(header: str) -> tuple[str, str] | None:
    """Return user and password of an Authorization header; None where it has none."""
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    user, colon, password = text.partition(":")
    return (user, password) if colon else None


def _cookie_names(app: Any) -> Iterator[str]:
    own = getattr(app, "cookie_id", None)
    return (f"{name}-{own}" if own else name for name in COOKIES)


def _flag(name: str) -> Any:
    return getattr(shared.cmd_opts, name, None)
