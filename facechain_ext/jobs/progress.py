"""How far a job is, told by its events: a share, and the time that is left."""

from __future__ import annotations

from functools import singledispatch

from facechain_ext.base.events import Candidate, Drawing, Filming, PhotoPrepared, Step

DRAWING = 0.9
"""The part of portraits that is drawing; the rest is fusing and ranking."""


@singledispatch
def share_of(event: object) -> float | None:
    """Return how much of a job is done, 0..1, as far as an event tells."""
    return None


@share_of.register
def _(event: Step) -> float | None:
    return event.step / event.total


@share_of.register
def _(event: Drawing) -> float | None:
    return DRAWING * (event.picture - 1 + event.step / max(event.steps, 1)) / event.pictures


@share_of.register
def _(event: Candidate) -> float | None:
    return DRAWING * event.done / event.total


@share_of.register
def _(event: PhotoPrepared) -> float | None:
    return event.done / event.total


@share_of.register
def _(event: Filming) -> float | None:
    return event.done / event.total


def seconds_left(event: object, share: float, passed: float) -> float | None:
    """Return the seconds left: as a training tells them, else by what has passed."""
    if isinstance(event, Step):
        return event.eta_seconds
    return passed * (1 - share) / share if share > 0 else None
