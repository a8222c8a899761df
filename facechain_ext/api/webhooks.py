"""Webhooks: who is told of a job, checked when it is asked for; what has become of it."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass
from enum import Enum
from typing import Literal
from urllib.parse import urlsplit

from facechain_ext.api.reading import BadField
from facechain_ext.api.schema import told

PREFIX = "whsec_"
LONGEST_URL = 2000
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
Mode = Literal["off", "public", "any"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Moment(str, Enum):
    """When a webhook is told."""

    STARTED = "started"
    COMPLETED = "completed"


class Delivery(str, Enum):
    """What has become of a message."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True)
class Webhook:
    """Who is told of a job, by a POST that is signed as Standard Webhooks say."""

    url: str = told("An https address, or one of the server's own computer.", longest=LONGEST_URL)
    secret: str = told(
        "What messages are signed with: `whsec_` and 24 to 64 bytes in base64. The server keeps it "
        "readable, as it has to sign, until the job goes, in a file that only its user may read.",
        longest=100,
    )
    events: tuple[Moment, ...] = told(
        "When to tell: `started`, `completed` or both.", default=(Moment.COMPLETED,), most=2
    )


@dataclass(frozen=True)
class WebhookState:
    """What has become of a message to a webhook."""

    event: Moment = told("What is told.")
    state: Delivery = told("`waiting` until it is delivered, or given up.")
    host: str = told("Who is told.")
    attempts: int = told("How often it was tried.")
    status: int | None = told("What was answered last.")
    problem: str | None = told("Why the last try failed.")


@dataclass(frozen=True)
class Target:
    """An address, taken apart."""

    tls: bool
    host: str
    port: int
    path: str

    @property
    def is_here(self) -> bool:
        """Whether it names this computer, whatever names may be resolved to."""
        address = _literal(self.host)
        return self.host == "localhost" or (address is not None and address.is_loopback)


def require_webhook(hook: Webhook, mode: Mode) -> None:
    """Raise BadField for a webhook that is not allowed, or never could be told."""
    if mode == "off":
        raise BadField("webhook", "Webhooks are off here; the server's settings can allow them.")
    try:
        target = read_target(hook.url)
    except ValueError as error:
        raise BadField("webhook.url", f"webhook.url {error}.") from error
    if not target.tls and not target.is_here and mode != "any":
        raise BadField("webhook.url", "webhook.url must be https.")
    address = _literal(target.host)
    if address is not None and not allowed(address, target, mode):
        raise BadField("webhook.url", "webhook.url leads into a private network.")
    if not 24 <= len(_key(hook.secret)) <= 64:
        raise BadField("webhook.secret", f"webhook.secret must be {PREFIX} and 24 to 64 bytes.")
    if not hook.events or len(set(hook.events)) < len(hook.events):
        raise BadField("webhook.events", "webhook.events must name each moment once.")


def read_target(url: str) -> Target:
    """Take an address apart; raises ValueError, saying what is wrong with it."""
    if re.fullmatch(r"[!-~]+", url) is None or "\\" in url:
        raise ValueError("must be ASCII, without spaces and backslashes")
    parts = urlsplit(url)  # raises ValueError, too
    host = (parts.hostname or "").lower()
    if parts.scheme not in ("http", "https") or HOST.fullmatch(host) is None:
        raise ValueError("must be http or https and name a host")
    if "@" in parts.netloc or parts.fragment:
        raise ValueError("must have no user, password or fragment")
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(tls, host, parts.port or (443 if tls else 80), path)


def allowed(address: Address, target: Target, mode: Mode) -> bool:
    """Tell whether a message may go to an address that the target's host stands for.

    This computer only where it is named as such: a foreign name may be resolved to it, too.
    """
    if target.is_here:
        return address.is_loopback
    return mode == "any" or _is_public(address)


def _is_public(address: Address) -> bool:
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if inner is not None:
        return _is_public(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved)


def key(secret: str) -> bytes:
    """Return what a secret signs with."""
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)


def _key(secret: str) -> bytes:
    try:
        return key(secret) if secret.startswith(PREFIX) else b""
    except (binascii.Error, ValueError):
        return b""


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
