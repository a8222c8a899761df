"""Times, amounts and states in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from facechain_ext.jobs.queue import JobState

STATES = {
    JobState.QUEUED: "waiting",
    JobState.STARTING: "starting",
    JobState.RUNNING: "running",
    JobState.SUCCEEDED: "finished",
    JobState.FAILED: "failed",
    JobState.CANCELED: "stopped",
}


def duration(seconds: float) -> str:
    """Write a time span the way people say it."""
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(parts: Sequence[str]) -> str:
    """Join with commas and a last "and"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def run_time(name: str) -> str:
    """Turn a run's folder name, a UTC time, into a date to read."""
    try:
        return datetime.strptime(name[:15], "%Y%m%d-%H%M%S").strftime("%d %b %Y, %H:%M:%S UTC")
    except ValueError:
        return name


def likeness(similarity: float | None) -> str:
    return "no face" if similarity is None else f"{similarity:.2f}"
