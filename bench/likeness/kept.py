"""Which of a trial's pictures are those of the LoRA that the product would keep."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from facechain_ext.training.select import Selection, Snapshot, choose

AVERAGE = "average"
"""Pictures of the mean LoRA of the best snapshots."""

PLACES = 4
"""Decimals that a snapshot's likeness is noted with."""


def strip_of(step: int) -> str:
    """Name the pictures of one snapshot."""
    return f"step-{step:06d}"


@dataclass(frozen=True)
class Kept:
    """Names of the pictures to look at, and the steps that the kept LoRA was made from."""

    lora: str
    last: str
    steps: tuple[int, ...]
    strips: tuple[str, ...]


def kept(folder: Path, selection: Selection) -> Kept:
    """Choose as the product does, from the likeness that training measured on its own samples."""
    trial = json.loads((folder / "trial.json").read_bytes())
    snapshots = [Snapshot(int(step), folder, s) for step, s in trial["snapshots"].items()]
    steps = tuple(snapshot.step for snapshot in choose(snapshots, selection))
    every = tuple(strip_of(snapshot.step) for snapshot in snapshots)
    lora = AVERAGE if len(steps) > 1 else strip_of(steps[0])
    return Kept(lora, every[-1], steps, (*every, AVERAGE))
