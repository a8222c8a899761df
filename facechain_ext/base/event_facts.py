"""Events without pictures, read from the facts that they are written down as and sent as."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from facechain_ext.base.events import Candidate, Event, Filming, PhotoPrepared, Stage, Step
from facechain_ext.base.records import PreparedPhoto, Reason, Verdict

Facts = dict[str, Any]


def _photo(facts: Facts) -> Event:
    reason = Reason(facts["reason"]) if facts["reason"] else None
    verdict = Verdict(facts["accepted"], reason, facts["message"])
    return PhotoPrepared(PreparedPhoto(facts["photo"], verdict), facts["done"], facts["total"])


WITHOUT_PICTURES: Mapping[str, Callable[[Facts], Event]] = {
    "stage": lambda facts: Stage(facts["name"], facts["total"]),
    "photo": _photo,
    "step": lambda facts: Step(**facts),
    "candidate": lambda facts: Candidate(**facts),
    "filming": lambda facts: Filming(**facts),
}
"""By an event's type; each raises KeyError, TypeError or ValueError for what it cannot read."""
