"""What fast mode costs of likeness, and what it saves of time: the same portraits with and without.

    python -m bench.fast --people PHOTOS/hires --out RUN --limit 4

Trains everybody (finished trainings are kept in --out), then draws the same seeds with and without
fast mode, blended with a photo's face and as drawn. Likeness is the mean similarity to the mean of
the training photos. Without --people it is the demo's one person.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from facechain_ext.base.errors import NoPortraitFound
from facechain_ext.base.events import PortraitsFinished
from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.demo import ONE_PHOTO, find_photos
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio

PORTRAITS = PortraitConfig(count=8, candidates=1.0, seed=0)
WAYS = {"20 steps, CFG 3": PORTRAITS, "fast: LCM, 6 steps, CFG 1": replace(PORTRAITS, fast=True)}


@dataclass(frozen=True)
class Row:
    """One person's figures of one way; seconds: of drawing eight."""

    fused: float
    drawn: float
    seconds: float
    whole: float


def train(studio: Studio, name: str, folder: Path | None, steps: int | None) -> None:
    """Train somebody who has no LoRA yet; steps: None for the product's own number."""
    known = {person.manifest.name for person in studio.library.people() if person.latest_run}
    if name not in known:
        config = ONE_PHOTO if folder is None else TrainConfig(max_train_steps=steps)
        uploads = find_photos(folder, PrepareConfig())
        for _ in studio.train_person(name, uploads, PrepareConfig(), config):
            pass


def measure(studio: Studio, name: str, config: PortraitConfig) -> Row:
    """Draw the same seeds twice, with and without fusion."""
    fused, drawn = (
        _made(studio, name, replace(config, fusion_strength=strength))
        for strength in (config.fusion_strength, 0.0)
    )
    seconds = min(fused.seconds["generate"], drawn.seconds["generate"])
    return Row(_likeness(fused), _likeness(drawn), seconds, sum(fused.seconds.values()))


def _made(studio: Studio, name: str, config: PortraitConfig) -> PortraitsFinished:
    finished = None
    try:
        for event in studio.make_portraits(name, config):
            finished = event if isinstance(event, PortraitsFinished) else finished
    except NoPortraitFound:
        print(f"{name}: every picture was rejected", flush=True)
    assert finished is not None
    return finished


def _likeness(finished: PortraitsFinished) -> float:
    """Average over all that was drawn; a picture without a face to measure counts 0."""
    made = (*finished.ranked, *finished.spare, *finished.rejected)
    return float(np.mean([portrait.score.similarity or 0.0 for portrait in made]))


def table(rows: dict[str, list[Row]]) -> str:
    """Write the means of every way, and how far the people's own differences spread."""
    lines = [
        "| | likeness, fused | likeness as drawn | seconds to draw eight | whole |",
        "|---|---|---|---|---|",
    ]
    for way, own in rows.items():
        figures = np.array([(r.fused, r.drawn, r.seconds, r.whole) for r in own])
        fused, drawn, seconds, whole = figures.mean(axis=0)
        lines.append(f"| {way} | {fused:.3f} | {drawn:.3f} | {seconds:.1f} | {whole:.1f} |")
    usual, fast = rows.values()
    for what in ("fused", "drawn"):
        lost = [getattr(a, what) - getattr(b, what) for a, b in zip(usual, fast, strict=True)]
        lines.append(f"\nLost {what}: {', '.join(f'{value:+.3f}' for value in lost)}.")
    return "\n".join(lines)


def everybody(people: Path | None, limit: int) -> list[tuple[str, Path | None]]:
    """Name the people with their folders."""
    if people is None:
        return [("The demo's", None)]
    folders = sorted(folder for folder in people.iterdir() if folder.is_dir())[:limit]
    return [(folder.name, folder) for folder in folders]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, draw, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=Path, help="a folder of one folder of photos a person")
    parser.add_argument("--out", type=Path, required=True, help="where people are kept")
    parser.add_argument("--limit", type=int, default=4)
    parser.add_argument("--steps", type=int, help="of every training (default: the product's)")
    args = parser.parse_args(arguments)
    studio = Studio(DiffusersHost(args.out), FaceNets())
    rows: dict[str, list[Row]] = {way: [] for way in WAYS}
    for name, folder in everybody(args.people, args.limit):
        train(studio, name, folder, args.steps)
        for way, config in WAYS.items():
            rows[way].append(measure(studio, name, config))
            print(f"{name}, {way}: {rows[way][-1]}", flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
