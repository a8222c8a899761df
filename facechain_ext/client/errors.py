"""Errors of the client: the server's own, with their sentences, and a few more."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from facechain_ext.base import errors
from facechain_ext.base.errors import FaceChainError, InvalidInput


class NoAnswer(FaceChainError):
    """The server cannot be reached, or did not answer in time."""


class NotUnderstood(FaceChainError):
    """What answers is no FaceChain, or another version of it."""


class ServerFault(FaceChainError):
    """The server failed in a way that nobody foresaw."""


class BadRequest(FaceChainError):
    """The server cannot read what was sent."""


class Unauthorized(FaceChainError):
    """The token or the password is missing or wrong."""


class Forbidden(FaceChainError):
    """Nobody may ask for this from here."""


class NotFound(FaceChainError):
    """There is nothing of that name, or nothing that this user may see."""


class Taken(FaceChainError):
    """A name that must be one's own belongs to somebody already."""


class TooLarge(InvalidInput):
    """More bytes, pixels or photos than the server accepts."""


class TooOften(FaceChainError):
    """More requests than the server accepts; its cause tells how long to wait."""


@dataclass(eq=False)
class Answered(Exception):
    """What the server said in full; the cause of every error that it answered with.

    field: of the request that is wrong. retry_after: seconds to wait, where it told them.
    """

    status: int
    type: str
    message: str
    field: str | None = None
    hint: str | None = None
    retry_after: float | None = None


def _named(names: Mapping[str, object]) -> dict[str, type[FaceChainError]]:
    """Return the errors among some names, as answers call them: person_not_found."""
    return {
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): kind
        for name, kind in names.items()
        if isinstance(kind, type) and issubclass(kind, FaceChainError)
    }


KINDS = {**_named(globals()), **_named(vars(errors)), "internal": ServerFault}


def error_named(kind: str, message: str) -> FaceChainError:
    """Return the error that an answer or a job calls by a name."""
    known: type[FaceChainError] = KINDS.get(kind, FaceChainError)
    return known(message)


def raise_answered(status: int, headers: Mapping[str, str], content: bytes) -> None:
    """Raise the error that an answer tells of."""
    answered = read_problem(status, headers, content)
    raise error_named(answered.type, answered.message) from answered


def read_problem(status: int, headers: Mapping[str, str], content: bytes) -> Answered:
    """Read an answer that is no success, whoever has written it."""
    wait = headers.get("retry-after", "")
    retry_after = float(wait) if wait.isascii() and wait.isdecimal() else None
    try:
        told = json.loads(content)["error"]
        texts = (str(told["type"]), str(told["message"]))
        return Answered(status, *texts, told.get("field"), told.get("hint"), retry_after)
    except (ValueError, KeyError, TypeError, AttributeError):
        texts = (_type_of(status), _sentence(status, headers))
        return Answered(status, *texts, retry_after=retry_after)


def _type_of(status: int) -> str:
    known = {401: "unauthorized", 403: "forbidden", 413: "too_large", 429: "too_often"}
    return known.get(status, "server_fault" if status >= 500 else "not_understood")


def _sentence(status: int, headers: Mapping[str, str]) -> str:
    phrase = next((f" ({each.phrase})" for each in HTTPStatus if each == status), "")
    if status // 100 == 3 and (elsewhere := headers.get("location")):
        return f"The server sends us elsewhere, to {elsewhere}: give the address that it is at."
    return f"What answers there is not FaceChain's API: {status}{phrase}. Is the address right?"
