"""Functions that the webui calls: what they raise is ours to log, not the webui's to suffer from.

An exception in a setting's choices costs a webui its whole page, one in a progress callback the
work that it tells of.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

logger = logging.getLogger(__name__)


def guarded(function: Callable[..., Any], instead: Callable[..., Any] | None = None) -> Any:
    """Return a function that never raises: it logs an error, each kind of it once, and goes on.

    instead: what is then called with the same arguments, and whose answer is given; None without.
    """
    logged: set[type[Exception]] = set()

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except Exception as error:
            if type(error) not in logged:
                logger.exception("FaceChain does without %s.", _name(function))
                logged.add(type(error))
        return None if instead is None else instead(*arguments, **named)

    return call


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', repr(function))}"
