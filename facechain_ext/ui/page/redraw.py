"""Send to a page only what has changed since it was last drawn there."""

from __future__ import annotations

from typing import Any

from facechain_ext.jobs.queue import Job
from facechain_ext.ui.page.compat import UNCHANGED

Seen = dict[str, int]
"""What one open page shows, by output: a fingerprint each."""


class Redraw:
    """Collects the outputs of one pulse; `seen` is the page's memory, replaced afterwards."""

    def __init__(self, seen: Seen | None) -> None:
        self.first = not seen
        self.seen: Seen = dict(seen or {})
        self.values: dict[str, Any] = {}

    def put(self, key: str, value: Any, fingerprint: object = None) -> None:
        """Set an output unless the page shows it already.

        fingerprint: what stands for the value, where comparing the value itself would not do.
        """
        mark = hash(repr(value if fingerprint is None else fingerprint))
        changed = self.seen.get(key) != mark
        self.seen[key] = mark
        self.values[key] = value if changed else UNCHANGED

    def forget(self) -> None:
        """Set every output anew: the page does not show what was sent to it."""
        self.seen.clear()

    def has_changed(self, key: str, fingerprint: object) -> bool:
        """Tell whether something is new to the page, and remember it."""
        mark = hash(repr(fingerprint))
        changed = self.seen.get(key) != mark
        self.seen[key] = mark
        return changed

    def forget_message(self, key: str, job: Job | None) -> None:
        """Clear what was said of a job that is over now: it is no longer so."""
        if self.has_changed(f"{key}_over", job.id if job and job.state.over else ""):
            self.values[f"{key}_message"] = ""
