"""Events of a job that is done elsewhere as the ones that long work here yields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from facechain_ext.base.events import (
    Candidate,
    CheckpointSaved,
    Event,
    PhotoPrepared,
    Preview,
    Stage,
    Step,
)
from facechain_ext.base.records import PreparedPhoto, Reason, Verdict
from facechain_ext.client.records import JobEvent

Facts = dict[str, Any]


def progress_of(event: JobEvent) -> Event | None:
    """Return an event without its pictures; None for one that nothing here is like."""
    made = _READERS.get(event.type)
    try:
        return made(event.data) if made else None
    except (KeyError, TypeError, ValueError):  # of a newer server
        return None


def _stage(facts: Facts) -> Event:
    return Stage(facts["name"], facts["total"])


def _photo(facts: Facts) -> Event:
    reason = Reason(facts["reason"]) if facts["reason"] else None
    verdict = Verdict(facts["accepted"], reason, facts["message"])
    return PhotoPrepared(PreparedPhoto(facts["photo"], verdict), facts["done"], facts["total"])


def _preview(facts: Facts) -> Event:
    return Preview(facts["step"], (), tuple(facts["similarities"]))


def _snapshot(facts: Facts) -> Event:
    return CheckpointSaved(facts["step"], Path(f"step-{facts['step']:06d}.safetensors"))


_READERS: dict[str, Callable[[Facts], Event]] = {
    "stage": _stage,
    "photo": _photo,
    "step": lambda facts: Step(**facts),
    "preview": _preview,
    "snapshot": _snapshot,
    "candidate": lambda facts: Candidate(**facts),
}
