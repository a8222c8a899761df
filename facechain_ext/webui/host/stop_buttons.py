"""The webui's stop buttons, which must not stop our job when they were meant for something else.

The webui has one flag for everybody. Who presses Interrupt or Skip while a picture waits in the
queue wants to be rid of that picture, not of somebody's training before it; and Reload UI presses
Interrupt, too. While nothing of others waits, the buttons are ours as they are everybody's. Our own
Stop does not come this way.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from modules import patches, progress, shared

TASK = "task(facechain-{})"
BUTTONS = ("interrupt", "stop_generating", "skip")
RELOAD = "request_restart"


def new_task() -> str:
    """Return an id for a job of ours, which nobody can guess."""
    return TASK.format(secrets.token_hex(16))


def guard() -> None:
    """Ask us first when a button is pressed; may be repeated.

    To be called before the webui builds its page, whose buttons hold on to what they find then.
    """
    state = type(shared.state)
    replacements = {name: _unless_meant_for_others(name) for name in BUTTONS}
    for name, replacement in {**replacements, RELOAD: _reload}.items():
        if hasattr(state, name) and patches.original(__name__, state, name) is None:
            patches.patch(__name__, state, name, replacement)


def _unless_meant_for_others(name: str) -> Callable[[Any], None]:
    def press(state: Any) -> None:
        if not (_is_ours_at_work() and progress.pending_tasks):
            patches.original(__name__, type(state), name)(state)

    return press


def _reload(state: Any) -> None:
    """Have the page built anew; our job goes on behind it."""
    if _is_ours_at_work():
        state.server_command = "restart"
    else:
        patches.original(__name__, type(state), RELOAD)(state)


def _is_ours_at_work() -> bool:
    return str(progress.current_task).startswith(TASK.partition("{")[0])
