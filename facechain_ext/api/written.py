"""What goes out to many, written once for all who ask the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

MOST = 200


@dataclass(eq=False)
class Written:
    """The newest blocks by what they tell, which says all that they depend on."""

    _blocks: dict[Hashable, bytes] = field(default_factory=dict)

    def get(self, told: Hashable, write: Callable[[], bytes]) -> bytes:
        """Return a block, written now unless it was before."""
        return self._blocks.get(told) or self._kept(told, write())

    async def fetched(self, told: Hashable, write: Callable[[], bytes]) -> bytes:
        """Return a block, written in a thread unless it was before."""
        return self._blocks.get(told) or self._kept(told, await run_in_threadpool(write))

    def _kept(self, told: Hashable, block: bytes) -> bytes:
        self._blocks[told] = block
        if len(self._blocks) > MOST:
            del self._blocks[next(iter(self._blocks))]
        return block
