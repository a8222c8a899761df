"""What a press of a button answers, and whether there is work that it would meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from facechain_ext.base.errors import FaceChainError
from facechain_ext.jobs.queue import Job, JobState
from facechain_ext.ui.page import markup


def failing_in_place(action: Callable[..., str]) -> Callable[..., str]:
    """Turn a FaceChainError into a message; an action returns its own message otherwise."""

    def guarded(*arguments: Any) -> str:
        try:
            return action(*arguments)
        except FaceChainError as error:
            return markup.message(str(error))

    return guarded


def is_running(job: Job | None) -> bool:
    return job is not None and job.state in (JobState.QUEUED, JobState.RUNNING)
