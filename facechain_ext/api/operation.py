"""A route as data: what it takes, what it answers, and the function that does it.

The app is made of these, and so are the OpenAPI document and docs/rest-api.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request

from facechain_ext.api.services import ApiServices

VERSION = "/v1"
SMALL_BODY = 2**20
"""Bytes of a body that holds no files."""


@dataclass(frozen=True)
class Media:
    """An answer that is no JSON, or a body that is none; event: what a stream's data are."""

    type: str
    help: str
    event: Any = None


@dataclass(frozen=True)
class Nothing:
    """No parameters."""


@dataclass(frozen=True)
class Call:
    """One request, read: body and query are what the operation says they are.

    user: who asks, "" where nobody logs in. photos, audio: those that came with it, on disk until
    the answer is sent. folder: empty, for files that go then, too; only where the operation says
    so. asked: the body as it came, without files: as one text, whatever its order and layout.
    """

    services: ApiServices
    request: Request
    user: str
    path: Mapping[str, str]
    query: Any
    body: Any
    photos: tuple[Path, ...] = ()
    audio: Path | None = None
    folder: Path | None = None
    asked: str = ""

    @property
    def owner(self) -> str:
        """Whose people, files and jobs this one may see; "" for all."""
        return self.user if self.services.config.owners else ""

    @property
    def files(self) -> tuple[Path, ...]:
        """All that came with it: photos, then the recording."""
        return (*self.photos, *([self.audio] if self.audio else []))

    def link(self, *parts: str) -> str:
        """Return an address of this API: link("people", "ana") is /facechain/v1/people/ana."""
        root = str(self.request.scope.get("root_path", ""))
        return f"{root}{VERSION}/" + "/".join(quote(part, safe="") for part in parts)


@dataclass(frozen=True)
class Answer:
    """An answer with another status than the operation's first, or with headers."""

    body: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Header:
    """A header that an operation reads."""

    name: str
    help: str
    example: str = ""
    pattern: str = ""


Handler = Callable[[Call], Any]
"""Answers with a dataclass, an Answer, or a Response; a coroutine runs on the event loop, others in
a thread."""


@dataclass(frozen=True)
class Operation:
    """One method of one address below /facechain/v1.

    answers: for each status that is a success, the dataclass or Media that comes with it, None for
    no body, or several where the client chooses; the first status is the usual. body: the dataclass
    that JSON is read as. photos: whether the body has a field `photos`, and may come as a form.
    raw: what a body is that is a file. needs_folder: whether the handler writes files that go with
    the answer. parts: what the {names} in the path stand for. most_bytes: of the body, by the API's
    limits. example: a body, as JSON has it. errors: statuses beyond those that every one has.
    """

    method: str
    path: str
    handle: Handler
    summary: str
    tag: str
    answers: Mapping[int, Any]
    help: str = ""
    query: type[Any] = Nothing
    body: Any = None
    photos: bool = False
    raw: Media | None = None
    needs_folder: bool = False
    parts: Mapping[str, str] = field(default_factory=dict)
    headers: tuple[Header, ...] = ()
    most_bytes: Callable[[ApiServices], int] = lambda _: SMALL_BODY
    example: Any = None
    errors: tuple[int, ...] = ()

    @property
    def usual_status(self) -> int:
        status: int = next(iter(self.answers))
        return status

    @property
    def name(self) -> str:
        """What the operation is called in the OpenAPI document."""
        return getattr(self.handle, "__name__", "").strip("_")
