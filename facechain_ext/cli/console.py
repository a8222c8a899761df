"""Progress of long work as lines of text on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import singledispatch

from facechain_ext.base.events import (
    Candidate,
    CheckpointSaved,
    Event,
    Filming,
    PhotoPrepared,
    Preview,
    Stage,
    Step,
)
from facechain_ext.base.records import Verdict
from facechain_ext.cli.streams import say

STEPS_BETWEEN_LINES = 10


def show(event: Event) -> None:
    """Print an event's line to stderr, when it has one worth reading."""
    if line := describe(event):
        say(line)


def shown(
    events: Iterable[Event], line_of: Callable[[Event], str] | None = None
) -> Iterator[Event]:
    """Show events as they pass; of a photo, a verdict that changes nothing is not told again.

    line_of: what tells an event in one line, `describe` unless given.
    """
    told: dict[int, Verdict] = {}
    for event in events:
        if not isinstance(event, PhotoPrepared):
            if line_of is None:
                show(event)
            elif line := line_of(event):
                say(line)
        elif told.get(event.done) != event.photo.verdict:
            told[event.done] = event.photo.verdict
            show(event)
        yield event


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


@describe.register
def _(event: Filming) -> str:
    return f"   frame {event.done}/{event.total}"
