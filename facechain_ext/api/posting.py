"""One POST to an address that others have named: no redirects, no proxies, no private networks."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

from facechain_ext.api.webhooks import Mode, Target, allowed
from facechain_ext.base.errors import FaceChainError, reason

PATIENCE = 10.0
"""Seconds that one read or write may take."""
DEADLINE = 20.0
"""Seconds that all of it may take."""


class Undelivered(FaceChainError):
    """Nobody answered; the message says why."""


def post(target: Target, headers: Mapping[str, str], body: bytes, mode: Mode) -> int:
    """Send a body and return the status of the answer, which is not read further.

    Raises Undelivered.
    """
    connection = _Checked(target, addresses_of(target, mode))
    try:
        with _within(DEADLINE, connection):
            connection.request("POST", target.path, body, dict(headers))
            return connection.getresponse().status
    except OSError as error:
        raise Undelivered(f"No answer: {_why(error)}.") from error
    except HTTPException as error:
        raise Undelivered(f"What was answered is not HTTP ({type(error).__name__}).") from error
    finally:
        connection.close()


def addresses_of(target: Target, mode: Mode) -> list[str]:
    """Resolve a host; raises Undelivered where one of its addresses is not allowed."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Undelivered("The host's name cannot be resolved.") from error
    addresses = list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
    if not all(allowed(ipaddress.ip_address(each), target, mode) for each in addresses):
        raise Undelivered("The host's name leads into a private network.")
    return addresses


class _Checked(HTTPConnection):
    """Connects to the very addresses that were checked: a name may lead elsewhere a moment later.

    The certificate must still be of the name.
    """

    def __init__(self, target: Target, addresses: list[str]) -> None:
        super().__init__(target.host, target.port, timeout=PATIENCE)
        self.addresses, self.tls = addresses, target.tls
        if target.tls:
            self.default_port = HTTPSConnection.default_port

    def connect(self) -> None:
        self.sock: Any = self._first_open()
        if self.tls:
            self.sock = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()

    def _first_open(self) -> socket.socket:
        *others, last = self.addresses
        for address in others:
            with suppress(OSError):
                return socket.create_connection((address, self.port), PATIENCE)
        return socket.create_connection((last, self.port), PATIENCE)


@contextmanager
def _within(seconds: float, connection: _Checked) -> Iterator[None]:
    """Break a connection off that takes longer, however slowly it goes on; raises TimeoutError."""
    broken_off = threading.Event()

    def break_off() -> None:
        broken_off.set()
        with suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, break_off)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if broken_off.is_set():  # half an answer looks like a whole one
        raise TimeoutError


def _why(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "it takes too long"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    return reason(error)
