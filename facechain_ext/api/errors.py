"""The one shape of an error: its type, a sentence for people, the field, a hint, the status.

No path of the server is told: what stands in a sentence is cut to the file's name.
"""

from __future__ import annotations

import errno
import logging
import re
from dataclasses import dataclass
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from facechain_ext.api.schema import told
from facechain_ext.base import errors
from facechain_ext.base.errors import FaceChainError, InvalidInput, TooMany, reason

logger = logging.getLogger(__name__)


class BadRequest(FaceChainError):
    """What came is not what HTTP or JSON say that it is."""


class Unauthorized(FaceChainError):
    """Nobody known asks."""


class Forbidden(FaceChainError):
    """Nobody may ask for this from there."""


class NotFound(FaceChainError):
    """There is nothing at this address, or nothing that this user may see."""


class Taken(FaceChainError):
    """A name that must be one's own belongs to somebody already."""


class UnsupportedMedia(FaceChainError):
    """The body is of another kind than this address takes."""


class TooLarge(InvalidInput):
    """More bytes, pixels or photos than are accepted."""


class TooOften(FaceChainError):
    """One user asks more than a server can answer; retry_after: seconds to wait."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QueueFull(TooMany):
    """One user has more jobs waiting than is accepted; retry_after: seconds to wait."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Problem:
    """What went wrong."""

    type: str = told("What kind of error it is; a closed list, in snake_case.")
    message: str = told("A sentence for people.")
    field: str | None = told("The field of the body or the query that is wrong, as a.b.")
    hint: str | None = told("What may help.")


@dataclass(frozen=True)
class ErrorAnswer:
    """Every answer that is no success."""

    error: Problem = told("What went wrong.")


STATUS: dict[str, int] = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "PersonNotFound": 404,
    "Busy": 409,
    "Conflict": 409,
    "LibraryTooNew": 409,
    "ModelUnavailable": 409,
    "Cancelled": 409,
    "Taken": 409,
    "TooLarge": 413,
    "UnsupportedMedia": 415,
    "TooMany": 429,
    "TooOften": 429,
    "WeightsMissing": 502,
    "OutOfMemory": 507,
}
"""Statuses by the name of an error's class, or of one that it descends from; else 422."""

HINTS = {
    "Busy": "Ask again in a moment.",
    "LibraryTooNew": "Update the extension.",
    "NoUsablePhotos": "GET .../photos tells for each photo why it is not used.",
    "PersonNotFound": "GET /facechain/v1/people lists who there is.",
    "TooOften": "Wait for as many seconds as Retry-After says.",
}

HTTP = {
    404: "There is nothing at this address.",
    405: "This address does not take this method; Allow says which ones.",
}

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

PATH = re.compile(r"(?<![\w/:.<])(?:[A-Za-z]:)?(?:[\\/](?:[^\\/:*?\"'<>|\s]|\s(?=[^\s:]*[\\/]))+)+")
"""An absolute path in a sentence, of this system or of Windows."""


@dataclass(frozen=True)
class Failure:
    """An error as it is answered."""

    status: int
    problem: Problem
    retry_after: float | None = None


def failure(error: BaseException) -> Failure:
    """Return how an error is answered; what nobody foresaw goes to the log, and is a 500."""
    if isinstance(error, FaceChainError):
        return _expected(error)
    if isinstance(error, HTTPException):
        kind = _snake(HTTPStatus(error.status_code).name)
        return _failure(error.status_code, kind, HTTP.get(error.status_code, error.detail))
    if isinstance(error, ClientDisconnect):
        return _failure(400, "bad_request", "The request was broken off.")
    if isinstance(error, MemoryError):
        return _failure(507, "out_of_memory", "There is not enough memory for this.")
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return _failure(507, "storage_full", f"Nothing can be kept: {reason(error)}.")
    logger.error("The API could not answer.", exc_info=error)
    return _failure(500, "internal", "This is a fault of the program; its log has the details.")


def _expected(error: FaceChainError) -> Failure:
    names = [kind.__name__ for kind in type(error).__mro__]
    status = next((STATUS[name] for name in names if name in STATUS), 422)
    hint = next((HINTS[name] for name in names if name in HINTS), None)
    told_field = getattr(error, "field", None)
    problem = Problem(type_name(type(error)), without_paths(str(error)), told_field, hint)
    return Failure(status, problem, getattr(error, "retry_after", None))


def _failure(status: int, kind: str, message: str) -> Failure:
    return Failure(status, Problem(kind, without_paths(message), None, None))


def type_name(kind: type[BaseException]) -> str:
    """Return what an error is called in answers: person_not_found."""
    public = next(
        (k for k in kind.__mro__ if hasattr(errors, k.__name__) or k.__name__ in STATUS), kind
    )
    return _snake(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", public.__name__))


def _snake(name: str) -> str:
    return name.lower()


def without_paths(text: str) -> str:
    """Cut every absolute path in a sentence to its last part."""
    return PATH.sub(lambda found: re.split(r"[\\/]", found[0].rstrip("\\/"))[-1], text)
