"""Run the likeness bench: prepare photos, train and draw, measure, fuse, report.

    python -m bench.likeness --people PHOTOS/lfw250 --out RUN --workers 12

Every person's finished parts are kept in --out, so a run that was stopped goes on from there.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from bench.likeness import report
from bench.likeness.draw import Settings
from bench.likeness.people import prepared_people
from bench.likeness.stages import Bench
from bench.likeness.workers import Task, for_everybody
from facechain_ext.config import PortraitConfig, TrainConfig
from facechain_ext.config.flags import add_config_flags, config_from
from facechain_ext.standalone.diffusers_host import MINI

logger = logging.getLogger("bench.likeness")

STAGES = ("prepare", "draw", "measure", "fuse", "report")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the stages that --stages names, in order."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    portrait = config_from(args, PortraitConfig, style="portrait", seed=0)
    bench = Bench(args.out, Settings(config_from(args, TrainConfig), portrait))
    run = partial(
        for_everybody, checkpoint=args.checkpoint, devices=args.device, workers=args.workers
    )
    if "prepare" in args.stages:
        photos = {folder.name: folder for folder in _folders(args.people)}
        _follow("prepare", run(partial(bench.prepare, photos=photos), list(photos)), len(photos))
    bench.claim()
    everybody = prepared_people(args.out / "prepared")
    names = everybody[: args.limit]
    strangers = everybody[len(names) :]
    tasks: dict[str, tuple[Task, list[str]]] = {
        "draw": (bench.draw, names),
        "measure": (bench.measure, names),
        "fuse": (bench.fuse, names),
        "know": (bench.know, strangers),
    }
    for stage, (task, people) in tasks.items():
        if stage in args.stages or (stage == "know" and "fuse" in args.stages):
            _follow(stage, run(task, people), len(people))
    if "report" in args.stages:
        results = report.compute(
            [bench.folder(name) for name in names],
            bench.settings,
            strangers=[bench.stranger(name) for name in strangers],
        )
        report.save(results, args.out)
        print(report.to_markdown(results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.likeness", description=__doc__)
    parser.add_argument(
        "--people", type=Path, nargs="*", default=[], help="folders of folders of photos"
    )
    parser.add_argument("--out", type=Path, required=True, help="everything is kept here")
    parser.add_argument("--checkpoint", type=Path, default=MINI)
    parser.add_argument("--device", nargs="+", default=["cpu"], help="workers take them in turn")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--limit", type=int, help="portraits of so many; the rest are strangers")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--count", type=int, default=8, help="portraits per person")
    parser.add_argument("--lora-weight", type=float, default=argparse.SUPPRESS)
    parser.add_argument("--guidance-scale", type=float, default=argparse.SUPPRESS)
    parser.add_argument("--fusion-strength", type=float, default=argparse.SUPPRESS)
    add_config_flags(parser, TrainConfig)
    return parser


def _folders(collections: Iterable[Path]) -> list[Path]:
    return [p for collection in collections for p in sorted(collection.iterdir()) if p.is_dir()]


def _follow(stage: str, done: Iterable[str], total: int) -> None:
    """Log who is finished and how long a whole stage took."""
    start = time.perf_counter()
    for number, name in enumerate(done, 1):
        logger.info("%s %d/%d %s", stage, number, total, name)
    logger.info("%s took %.0f s", stage, time.perf_counter() - start)


if __name__ == "__main__":
    main()
