"""The command that puts a garment on somebody."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import PortraitsFinished
from facechain_ext.cli import flag_names
from facechain_ext.cli.here import carried_out, new_studio
from facechain_ext.cli.paths import path, require_writable
from facechain_ext.cli.templates import saved
from facechain_ext.config import TryOnConfig
from facechain_ext.config.flags import add_config_flags, config_from
from facechain_ext.jobs.tryon_work import TryOn

Result = dict[str, Any]


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
    add_config_flags(parser, TryOnConfig, flag_names.DRAWING)


def try_on(args: argparse.Namespace) -> Result:
    """Dress, and save; what can be found out before is found out before."""
    config = config_from(args, TryOnConfig)
    work = TryOn(args.name, _pictures(args, config), config, args.out)
    studio = new_studio(args)
    work.require(studio)
    require_writable(args.out or studio.host.paths.output_dir)
    finished = carried_out(studio, work, PortraitsFinished)
    return {
        "way": config.way,
        "pictures": [
            saved(portrait, file)
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
