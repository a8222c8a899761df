"""What both kinds of client do to a call: its request, its answer, when to ask again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlsplit

import httpx

from facechain_ext.base.errors import InvalidInput, describe, quoted
from facechain_ext.client.call import Call, Photo
from facechain_ext.client.errors import NoAnswer, raise_answered
from facechain_ext.client.login import Login

T = TypeVar("T")

ROOT = "/facechain/v1"
PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds before asking again when an answer was lost."""
CONNECTING = 10.0
ZIP = "application/zip"


def address_of(url: str) -> str:
    """Return where the API of a server is; raises InvalidInput."""
    try:
        parts = urlsplit(url.strip())
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or parts.query or parts.fragment:
        raise InvalidInput(f"{quoted(url)} is no address of a server, as http://127.0.0.1:7870 is.")
    path = parts.path.rstrip("/").removesuffix(ROOT)
    return f"{parts.scheme}://{parts.netloc}{path}{ROOT}/"


def options(url: str, token: str, user: str, password: str, timeout: float) -> dict[str, Any]:
    """Return what httpx's clients are made with; raises InvalidInput."""
    if not token.isascii() or not token.isprintable():
        raise InvalidInput("The token holds what no token does.")
    api = address_of(url)
    page = api.removesuffix(f"{ROOT}/")
    chosen: dict[str, Any] = {"auth": Login(api, page, user, password)} if user else {}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    waits = httpx.Timeout(timeout, connect=min(timeout, CONNECTING))
    return {"base_url": api, "headers": headers, "timeout": waits, **chosen}


def request_of(call: Call[Any], timeout: httpx.Timeout, ends: ExitStack) -> dict[str, Any]:
    """Return what httpx builds a call's request of, but for an archive; ends: closes its files."""
    facts: dict[str, Any] = {"method": call.method, "url": call.path, "headers": {}}
    facts["params"] = {key: _text(value) for key, value in call.query.items()}
    if call.wait:
        facts["headers"]["Prefer"] = f"wait={call.wait}"
        patience = (timeout.read or 0.0) + call.wait
        facts["timeout"] = httpx.Timeout(timeout.write, read=patience, connect=timeout.connect)
    files = [("photos", photo) for photo in call.photos]
    files += [("audio", call.audio)] if call.audio is not None else []
    if files:
        facts["data"] = {key: _part(key, value) for key, value in (call.body or {}).items()}
        facts["files"] = [(name, _opened(file, ends)) for name, file in files]
    elif call.body is not None:
        facts["json"] = call.body
    if call.archive is not None:
        size = str(_size(call.archive))
        facts["headers"] |= {"Content-Type": ZIP, "Content-Length": size}
    return facts


def answered(call: Call[T], response: httpx.Response) -> T:
    """Read an answer that has come; raises the error that it tells of."""
    require_success(response)
    return call.read(response.content)


def require_success(response: httpx.Response) -> None:
    """Raise the error that an answer tells of, which was read, if it does."""
    if not response.is_success:
        raise_answered(response.status_code, response.headers, response.content)


@dataclass
class Asking:
    """Knows whether to ask again when an answer was lost on the way."""

    call: Call[Any]
    tries: int = 0

    def pause(self, error: httpx.TransportError) -> float:
        """Return the seconds until the next try; raises NoAnswer where there is none."""
        unsent = isinstance(error, (httpx.ConnectError, httpx.TimeoutException))
        if unsent or not self.call.repeatable or self.tries == len(PAUSES):
            raise no_answer(error) from error
        self.tries += 1
        return PAUSES[self.tries - 1]


def no_answer(error: httpx.HTTPError | httpx.InvalidURL) -> NoAnswer:
    """Return a transport's failure as a sentence."""
    request = getattr(error, "_request", None)
    where = f"{request.url.scheme}://{request.url.netloc.decode()}" if request else "The server"
    where = where.rpartition("@")[2] if "@" in where else where
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
        return NoAnswer(f"{where} cannot be reached ({_why(error)}).")
    if isinstance(error, httpx.TimeoutException):
        return NoAnswer(f"{where} did not answer in time; it may be at work all the same.")
    return NoAnswer(f"The connection to {where} was lost ({_why(error)}).")


def _why(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__


@contextmanager
def saving(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is there when it is whole, and else not; raises InvalidInput."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise InvalidInput(describe(error)) from error
    finally:
        part.unlink(missing_ok=True)


def opened(path: Path) -> BinaryIO:
    """Open a file to send; raises InvalidInput."""
    try:
        return path.open("rb")
    except OSError as error:
        raise InvalidInput(describe(error)) from error


def _opened(photo: Photo, ends: ExitStack) -> tuple[str, Any]:
    if isinstance(photo, tuple):
        return photo
    path = Path(photo)
    return path.name, ends.enter_context(opened(path))


def _size(path: Path) -> int:
    with opened(path) as file:
        return os.fstat(file.fileno()).st_size


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _part(name: str, value: Any) -> str:
    """Return a field of a form: a name as it is, everything else in JSON."""
    return str(value) if name in ("person", "name") else json.dumps(value)
