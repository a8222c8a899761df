"""Work for Forge's main thread, where it keeps all processing so that models move less."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import current_thread, main_thread
from typing import Any

from modules_forge.main_thread import run_and_wait_result


def on_main_thread(function: Callable[[Any], Any], argument: Any) -> Any:
    """Run a function there and return what it returns, or raise what it raises.

    Forge swallows exceptions on that thread, and shows the last one when something else fails: ours
    must not reach it.
    """
    if current_thread() is main_thread():
        return function(argument)
    outcome: Future[Any] = Future()
    run_and_wait_result(_settle, outcome, function, argument)
    return outcome.result(timeout=0)


def _settle(outcome: Future[Any], function: Callable[[Any], Any], argument: Any) -> None:
    try:
        outcome.set_result(function(argument))
    except Exception as error:  # noqa: BLE001  it is raised again by who waits
        outcome.set_exception(error)
