"""What a press of a button answers, whatever goes wrong, and whether work goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from facechain_ext.base.errors import FaceChainError, describe
from facechain_ext.jobs.queue import Job
from facechain_ext.ui.page import markup
from facechain_ext.ui.page.compat import UNCHANGED

logger = logging.getLogger(__name__)


def sentence(error: Exception) -> str:
    """Tell an error in words; one that nobody foresaw is logged, with where it came from."""
    if isinstance(error, FaceChainError):
        return str(error)
    logger.error("An action on the page failed", exc_info=error)
    if isinstance(error, OSError):
        return describe(error)
    told = f"{type(error).__name__}: {error}"
    return f"Something unexpected went wrong ({told}). The console says where."


def failing_in_place(action: Callable[..., Any], place: int = 0, outputs: int = 1) -> Any:
    """Turn an error into a message at the place of an action's outputs; the others stay."""

    @wraps(action)
    def guarded(*arguments: Any) -> Any:
        try:
            return action(*arguments)
        except Exception as error:  # noqa: BLE001  `sentence` logs it
            return _answer(error, place, outputs)

    return guarded


def yielding_in_place(
    action: Callable[..., Iterator[Any]], place: int = 0, outputs: int = 1
) -> Any:
    """Do the same for an action that yields what it answers."""

    @wraps(action)
    def guarded(*arguments: Any) -> Iterator[Any]:
        try:
            yield from action(*arguments)
        except Exception as error:  # noqa: BLE001  `sentence` logs it
            yield _answer(error, place, outputs)

    return guarded


def _answer(error: Exception, place: int, outputs: int) -> Any:
    said = markup.message(sentence(error))
    if outputs == 1:
        return said
    return tuple(said if number == place else UNCHANGED for number in range(outputs))


def is_running(job: Job | None) -> bool:
    return job is not None and not job.state.over
