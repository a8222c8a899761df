"""Answers to responses: JSON of dataclasses, errors in their one shape, what goes when they end."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from facechain_ext.api.errors import ErrorAnswer, failure
from facechain_ext.api.operation import Answer
from facechain_ext.api.schema import plain


class Json(Response):
    """A dataclass as JSON; raises nothing for odd text or numbers that are none."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(plain(content), allow_nan=False, separators=(",", ":")).encode("ascii")


class Ending(Response):
    """Another response, with what is closed when it was sent or broken off."""

    def __init__(self, inner: Response, ends: ExitStack) -> None:
        super().__init__()
        self.inner, self.ends = inner, ends

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.ends:
            await self.inner(scope, receive, send)


def answer(result: Any, usual_status: int) -> Response:
    """Return what an operation's handler answered as a response."""
    if isinstance(result, Response):
        return result
    told = result if isinstance(result, Answer) else Answer(result)
    status = told.status or usual_status
    if isinstance(told.body, Response):
        told.body.headers.update(told.headers)
        return told.body
    if told.body is None:
        return Response(status_code=status, headers=dict(told.headers))
    return Json(told.body, status, headers=dict(told.headers))


def error_answer(
    error: BaseException, *, challenge: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """Return an error as it is answered; challenge: how to log in, told to who is not."""
    failed = failure(error)
    told = dict(headers or {})
    if failed.retry_after is not None:
        told["Retry-After"] = str(max(math.ceil(failed.retry_after), 1))
    if failed.status == 401 and challenge:
        told["WWW-Authenticate"] = challenge
    return Json(ErrorAnswer(failed.problem), failed.status, headers=told)
