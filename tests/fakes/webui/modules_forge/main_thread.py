"""Forge's main thread: it runs tasks one after the other and swallows what they raise."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

last_exception: Exception | None = None
threads: list[str] = []


def run_and_wait_result(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    answer: list[Any] = []

    def work() -> None:
        global last_exception
        try:
            threads.append(threading.current_thread().name)
            answer.append(func(*args, **kwargs))
            last_exception = None
        except Exception as error:  # noqa: BLE001  as Forge does
            last_exception = error

    thread = threading.Thread(target=work, name="forge-main")
    thread.start()
    thread.join()
    return answer[0] if answer else None
