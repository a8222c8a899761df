"""The webui's "Total progress" bar in the console, for the steps of what we draw."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from modules import shared


@contextmanager
def total_bar(*, done: int, total: int) -> Iterator[None]:
    """Show a bar that stands at `done` of `total` steps and is closed when the block is left.

    The webui's samplers move it on; who draws through them must close it, or it counts for ever.
    """
    bar = getattr(shared, "total_tqdm", None)
    if bar is None:
        yield
        return
    bar.clear()
    bar.updateTotal(total)
    for _ in range(done):
        bar.update()
    try:
        yield
    finally:
        bar.clear()
