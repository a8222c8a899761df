"""The server itself: whether it is well, which one it is."""

from __future__ import annotations

from dataclasses import dataclass

from facechain_ext import __version__
from facechain_ext.api.operation import Call, Operation
from facechain_ext.api.schema import told


@dataclass(frozen=True)
class Health:
    """Whether the server can work."""

    status: str = told('Always "ok": a server that is not does not answer.')


@dataclass(frozen=True)
class Version:
    """Which server this is."""

    version: str = told("FaceChain's version.")
    api: int = told("The version of this API.")


def health(_: Call) -> Health:
    return Health("ok")


def version(_: Call) -> Version:
    return Version(__version__, 1)


OPERATIONS = (
    Operation("GET", "/health", health, "Ask whether the server is well", "about", {200: Health}),
    Operation("GET", "/version", version, "Which server this is", "about", {200: Version}),
)
