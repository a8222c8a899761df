"""How like a person a LoRA is after so many steps on so many photos; a whole run for each.

    python -m bench.steps --people PHOTOS/lfw250 --out RUN --limit 16 --photos 10 \\
        --runs 1:100,200,300 5:300,600,900 10:600,900,1200

Every run has the schedule of its own length, so none is a snapshot of a longer one. Photos are a
person's first ones, and one person's kept-back photos are the same in every run. Finished runs
are kept in --out, so a bench that was stopped goes on from there.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from bench.likeness.draw import portraits, train_person
from bench.likeness.figures import reference
from bench.likeness.kept import strip_of
from bench.likeness.measure import FaceEmbedder, embed_all, first_face
from bench.likeness.people import (
    HELD_BACK,
    SUFFIXES,
    TRAINED,
    load_instances,
    prepare_person,
    prepared_people,
    word_of,
)
from bench.likeness.workers import Worker, for_everybody
from facechain_ext.base.records import Pixels
from facechain_ext.config import PortraitConfig, TrainConfig
from facechain_ext.imaging.files import write_atomic
from facechain_ext.nets import FaceNets
from facechain_ext.nets.attributes import vote
from facechain_ext.portrait.prompt import compose
from facechain_ext.standalone.diffusers_host import MINI
from facechain_ext.styles import find_style, load_styles

logger = logging.getLogger("bench.steps")

PORTRAIT = PortraitConfig(count=8, seed=0)
LEAST_HELD_BACK, SPARE = 3, 4
"""Photos that a person must have beyond the trained; people prepared in case some are refused."""


@dataclass(frozen=True)
class Bench:
    """Where the bench reads and writes; picklable for the workers."""

    out: Path
    photos: int

    def prepare(self, worker: Worker, name: str, *, folders: Mapping[str, Path]) -> None:
        prepare_person(folders[name], self.out / "prepared", worker.nets, count=self.photos)

    def path(self, run: str) -> Path:
        """Name a run's figures; run: "PHOTOS/STEPS/PERSON"."""
        return self.out / "runs" / f"{run}.json"

    def measure(self, worker: Worker, run: str) -> None:
        """Train on a person's first photos, draw, and compare with the kept-back ones."""
        if self.path(run).is_file():
            return
        photos, steps, name = run.split("/")
        trained, held_back = (
            load_instances(self.out / "prepared", name, part) for part in (TRAINED, HELD_BACK)
        )
        trained = trained[: int(photos)]
        attributes, style = vote([p.attributes for p in trained]), PORTRAIT.style
        prompt = compose(attributes, word_of(trained), find_style(load_styles(), style), PORTRAIT)
        config = replace(
            TrainConfig(samples_per_snapshot=0, selection="last"),
            max_train_steps=int(steps),
            snapshot_every=int(steps),
        )
        done = train_person(worker.model, worker.nets, trained, config, prompt)
        drawn = portraits(worker.model, prompt, PORTRAIT, lora=done.states[strip_of(int(steps))])
        photos_apart = [instance.pixels for instance in held_back]
        facts = {
            "similarity": {
                label: likeness(drawn, photos_apart, worker.nets, embedder)
                for label, embedder in worker.embedders.items()
            },
            "seconds": round(done.seconds, 1),
        }
        self.path(run).parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path(run), json.dumps(facts, indent=1).encode())


def likeness(
    drawn: Sequence[Pixels], photos: Sequence[Pixels], nets: FaceNets, embedder: FaceEmbedder
) -> float:
    """Average the similarity of pictures to the mean of photos; without a face it counts 0."""
    mine, theirs = (
        embed_all(embedder, pictures, [first_face(picture, nets) for picture in pictures])
        for pictures in (drawn, photos)
    )
    return round(float(np.nan_to_num(mine @ reference(theirs)).mean()), 4)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare people, make every run of every person, print the table."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    bench = Bench(args.out, args.photos)
    do = partial(
        for_everybody, checkpoint=args.checkpoint, devices=args.device, workers=args.workers
    )
    if args.people:
        folders = _with_enough(args.people, args.photos + LEAST_HELD_BACK)[: args.limit + SPARE]
        by_name = {folder.name: folder for folder in folders}
        _follow(do(partial(bench.prepare, folders=by_name), list(by_name)))
    names = prepared_people(args.out / "prepared")[: args.limit]
    lengths = [(photos, steps) for photos, each in args.runs for steps in each]
    _follow(do(bench.measure, [f"{p}/{s}/{name}" for p, s in lengths for name in names]))
    print(table(args.out, args.runs, names))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.steps", description=__doc__)
    parser.add_argument("--people", type=Path, help="a folder of folders of photos")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=MINI)
    parser.add_argument("--device", nargs="+", default=["cpu"], help="workers take them in turn")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--limit", type=int, default=16, help="people")
    parser.add_argument("--photos", type=int, default=10, help="photos of each that are not kept")
    parser.add_argument(
        "--runs", nargs="+", type=parse_runs, required=True, help="PHOTOS:STEPS,STEPS"
    )
    return parser


def parse_runs(text: str) -> tuple[int, list[int]]:
    """Read "PHOTOS:STEPS,STEPS"."""
    photos, _, steps = text.partition(":")
    return int(photos), [int(each) for each in steps.split(",")]


def _with_enough(people: Path, photos: int) -> list[Path]:
    folders = sorted(path for path in people.iterdir() if path.is_dir())
    return [f for f in folders if sum(p.suffix in SUFFIXES for p in f.iterdir()) >= photos]


def _follow(done: Iterable[str]) -> None:
    for number, name in enumerate(done, 1):
        logger.info("%d %s", number, name)


def table(out: Path, runs: Iterable[tuple[int, list[int]]], names: Sequence[str]) -> str:
    """Compare every length with the one before, person by person."""
    bench, rows = Bench(out, 0), [f"{len(names)} people.", ""]
    first = json.loads(next((out / "runs").rglob("*.json")).read_bytes())
    embedders = list(first["similarity"])
    rows += ["| photos | steps | " + " | ".join(f"{e} | more" for e in embedders) + " | seconds |"]
    rows += ["|" + "---|" * (3 + 2 * len(embedders))]
    for photos, lengths in runs:
        before: list[dict[str, dict[str, float]]] = []
        for steps in lengths:
            paths = [bench.path(f"{photos}/{steps}/{name}") for name in names]
            facts = [json.loads(path.read_bytes()) for path in paths]
            cells = [cell for e in embedders for cell in _cells(e, facts, before)]
            seconds = np.median([fact["seconds"] for fact in facts])
            rows.append(f"| {photos} | {steps} | " + " | ".join(cells) + f" | {seconds:.0f} |")
            before = facts
    return "\n".join(rows)


def _cells(
    embedder: str,
    facts: Sequence[Mapping[str, Mapping[str, float]]],
    before: Sequence[Mapping[str, Mapping[str, float]]],
) -> tuple[str, str]:
    """Format a mean, and the mean difference to another run with its standard error."""
    mine = np.array([fact["similarity"][embedder] for fact in facts])
    if not before:
        return f"{mine.mean():.3f}", ""
    more = mine - np.array([fact["similarity"][embedder] for fact in before])
    error = more.std(ddof=1) / np.sqrt(len(more)) if len(more) > 1 else 0.0
    return f"{mine.mean():.3f}", f"{more.mean():+.3f} (± {error:.3f})"


if __name__ == "__main__":
    main()
