"""Which snapshot of a run becomes the LoRA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from facechain_ext.lora.state import LoraState

Selection = Literal["best", "average", "last"]

AVERAGED = 3
"""Snapshots that "average" takes the mean of."""

TIE = 0.05
"""Likeness differences below this are the noise of a few samples; the latest snapshot wins them.

docs/decisions/0007-which-snapshot-is-kept.md has the measurement.
"""


@dataclass(frozen=True)
class Snapshot:
    """A saved state of the LoRA; similarity: mean likeness of its samples, None if none were made.

    A sample without a face counts as 0, so a LoRA that breaks faces cannot win.
    """

    step: int
    path: Path
    similarity: float | None


@dataclass(frozen=True, eq=False)
class Chosen:
    """The LoRA to keep and the steps of the snapshots it was made from."""

    state: LoraState
    steps: tuple[int, ...]
    similarity: float | None


def choose(snapshots: Sequence[Snapshot], selection: Selection) -> tuple[Snapshot, ...]:
    """Return the snapshots to make the LoRA from, in the order of their steps.

    Of snapshots equally like the person the latest is taken: its learning rate had fallen furthest.
    Without any measured likeness the last one is taken.
    """
    measured = [snapshot for snapshot in snapshots if snapshot.similarity is not None]
    if selection == "last" or not measured:
        return (snapshots[-1],)
    if selection == "average":
        liked = sorted(measured, key=_similarity, reverse=True)[:AVERAGED]
        return tuple(sorted(liked, key=lambda snapshot: snapshot.step))
    best = max(map(_similarity, measured))
    alike = [snapshot for snapshot in measured if _similarity(snapshot) >= best - TIE]
    return (alike[-1],)


def _similarity(snapshot: Snapshot) -> float:
    assert snapshot.similarity is not None
    return snapshot.similarity
