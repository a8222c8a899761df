"""Where one listener is in the events of a job, or of all jobs of an owner."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from facechain_ext.api.feed import Feed
from facechain_ext.jobs.event_store import StoredEvent

PAGE = 200
"""Events that are read from the books at once."""


@dataclass(eq=False)
class Cursor:
    """Reads on from an event; job, owner: whose alone, None for all.

    behind: whether there is more to be had at once.
    """

    feed: Feed
    after: int
    job: str | None = None
    owner: str | None = None
    behind: bool = False

    async def read(self) -> list[StoredEvent]:
        """Return the next events, none where there is nothing new; each is returned once."""
        recent = self.feed.after(self.after)
        if recent is None:
            return await self._read_back()
        self.behind = False
        if recent:
            self.after = recent[-1].id
        return [event for event in recent if self._concerns(event)]

    async def _read_back(self) -> list[StoredEvent]:
        reached = self.feed.reached  # before the books are read: all until then is in them
        found = await run_in_threadpool(
            self.feed.jobs.books.events.after,
            self.after,
            job=self.job,
            owner=self.owner,
            limit=PAGE,
        )
        self.behind = len(found) == PAGE
        if found:
            self.after = found[-1].id
        if not self.behind:
            self.after = max(self.after, reached)
        return found

    def _concerns(self, event: StoredEvent) -> bool:
        return self.job in (None, event.job) and self.owner in (None, event.owner)
