"""Progress of long work as lines of text on stderr."""

from __future__ import annotations

import sys
from functools import singledispatch

from facechain_ext.base.events import (
    Candidate,
    CheckpointSaved,
    Event,
    PhotoPrepared,
    Preview,
    Stage,
    Step,
)

STEPS_BETWEEN_LINES = 10


def show(event: Event) -> None:
    """Print an event's line to stderr, when it has one worth reading."""
    if line := describe(event):
        print(line, file=sys.stderr, flush=True)


@singledispatch
def describe(event: object) -> str:
    """Return an event as one line, or an empty string."""
    return ""


@describe.register
def _(event: Stage) -> str:
    return f"== {event.name}" + (f" ({event.total})" if event.total else "")


@describe.register
def _(event: PhotoPrepared) -> str:
    mark = "ok " if event.photo.verdict.accepted else "no "
    return f"   {mark} {event.photo.name}: {event.photo.verdict.message}"


@describe.register
def _(event: Step) -> str:
    if event.step % STEPS_BETWEEN_LINES and event.step != event.total:
        return ""
    return (
        f"   step {event.step}/{event.total}  loss {event.loss:.4f}  "
        f"{event.images_per_second:.1f} img/s  {event.eta_seconds:.0f} s left"
    )


@describe.register
def _(event: Preview) -> str:
    return f"   likeness after {event.step} steps: {event.similarity:.3f}"


@describe.register
def _(event: CheckpointSaved) -> str:
    return f"   saved {event.path.name}"


@describe.register
def _(event: Candidate) -> str:
    return f"   picture {event.done}/{event.total}"
