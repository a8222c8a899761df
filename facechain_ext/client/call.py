"""A call as data: described once, sent by a client that waits or by one for asyncio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from os import PathLike
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, overload
from urllib.parse import quote

T = TypeVar("T")
P = ParamSpec("P")

Photo = str | PathLike[str] | tuple[str, bytes]
"""A file, or a name and what such a file holds."""


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request, and how its answer is read.

    path: below the API's address. body: as JSON; with photos or audio, the fields of a form.
    archive: a file that is the body. into: the file that the answer is written to; `read` is then
    given nothing. wait: seconds that the server may wait for a job to be over before it answers.
    """

    method: str
    path: str
    read: Callable[[bytes], T]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    photos: tuple[Photo, ...] = ()
    audio: Photo | None = None
    archive: Path | None = None
    into: Path | None = None
    wait: int = 0

    @property
    def repeatable(self) -> bool:
        """Whether asking again after a lost answer changes nothing."""
        return self.method in ("GET", "PUT")


def at(*parts: str) -> str:
    """Return a path of quoted parts: at("people", "ana") is people/ana."""
    return "/".join(quote(part, safe="") for part in parts)


class Waits:
    """What sends a call and waits for the answer."""


class WaitsNot:
    """What sends a call and returns an awaitable."""


class Described(Generic[P, T]):
    """A method of both kinds of client, made of the function that describes its call."""

    def __init__(self, describe: Callable[P, Call[T]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, client: Waits, owner: Any = None) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: WaitsNot, owner: Any = None) -> Callable[P, Awaitable[T]]: ...
    @overload
    def __get__(self, client: None, owner: Any = None) -> Described[P, T]: ...
    def __get__(self, client: Any, owner: Any = None) -> Any:
        if client is None:
            return self

        @wraps(self.describe)
        def sent(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.send(self.describe(*args, **kwargs))

        return sent
