"""The command that puts a garment on somebody."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import PortraitsFinished
from facechain_ext.cli import console
from facechain_ext.cli.commands import new_studio, queue_of
from facechain_ext.cli.interrupt import stopping
from facechain_ext.cli.paths import path, require_writable
from facechain_ext.config import TryOnConfig
from facechain_ext.config.flags import add_config_flags, config_from
from facechain_ext.jobs.tryon_work import TryOn

Result = dict[str, Any]
FLAGS = {"count": "-n/--count", "negative_prompt": "--negative", "sampler_name": "--sampler"}


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "garment",
        type=path,
        metavar="GARMENT",
        help="a picture of it: worn by somebody, laid flat, or cut out with transparency",
    )
    parser.add_argument("--photo", type=path, help="the photo it is put on; for the way fitted")
    parser.add_argument("--name", default="", help="a person of the library; for the way worn")
    parser.add_argument("--out", type=path, help="folder for the pictures")
    add_config_flags(parser, TryOnConfig, FLAGS)


def try_on(args: argparse.Namespace) -> Result:
    """Dress, and save; what can be found out before is found out before."""
    config = config_from(args, TryOnConfig)
    work = TryOn(args.name, _pictures(args, config), config, args.out)
    studio = new_studio(args)
    work.require(studio)
    require_writable(args.out or studio.host.paths.output_dir)
    finished = None
    with stopping(studio.host):
        for event in console.shown(queue_of(studio, "try-on").run_here(work)):
            finished = event if isinstance(event, PortraitsFinished) else finished
    assert finished is not None
    return {
        "way": config.way,
        "pictures": [
            {"similarity": portrait.score.similarity, "seed": portrait.seed, "file": str(file)}
            for portrait, file in zip(finished.ranked, finished.saved, strict=True)
        ],
        "rejected": len(finished.rejected),
        "notes": list(finished.notes),
        "seconds": finished.seconds,
    }


def _pictures(args: argparse.Namespace, config: TryOnConfig) -> tuple[Path, ...]:
    """Return the garment and the photo; raises InvalidInput where the way takes others."""
    if config.way == "fitted" and args.photo is None:
        raise InvalidInput("--photo is missing: say which photo the garment is put on.")
    if config.way == "worn" and args.photo is not None:
        raise InvalidInput(
            "The way worn takes no --photo: it makes the garment's picture one of --name."
        )
    return (args.garment,) if args.photo is None else (args.garment, args.photo)
