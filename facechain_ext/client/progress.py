"""Events of a job that is done elsewhere as the ones that long work here yields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from facechain_ext.base.event_facts import WITHOUT_PICTURES, Facts
from facechain_ext.base.events import CheckpointSaved, Event, Preview
from facechain_ext.client.records import JobEvent


def progress_of(event: JobEvent) -> Event | None:
    """Return an event without its pictures; None for one that nothing here is like."""
    made = _READERS.get(event.type)
    try:
        return made(event.data) if made else None
    except (KeyError, TypeError, ValueError):  # of a newer server
        return None


def _preview(facts: Facts) -> Event:
    return Preview(facts["step"], (), tuple(facts["similarities"]))


def _snapshot(facts: Facts) -> Event:
    return CheckpointSaved(facts["step"], Path(f"step-{facts['step']:06d}.safetensors"))


_READERS: dict[str, Callable[[Facts], Event]] = {
    **WITHOUT_PICTURES,
    "preview": _preview,
    "snapshot": _snapshot,
}
