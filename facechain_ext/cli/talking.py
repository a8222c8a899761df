"""The command that lets a portrait speak."""

from __future__ import annotations

import argparse
from typing import Any

from facechain_ext.base.events import VideoFinished
from facechain_ext.cli.here import carried_out, new_studio
from facechain_ext.cli.paths import path, require_writable
from facechain_ext.config import TalkConfig
from facechain_ext.config.flags import add_config_flags, config_from
from facechain_ext.jobs.talk_work import Talk

Result = dict[str, Any]


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="?", metavar="TEXT", help="what is said")
    parser.add_argument("--name", help="a person of the library, whose photos lend teeth")
    parser.add_argument("--portrait", type=path, help="a picture; without one, the person's newest")
    parser.add_argument("--audio", type=path, help="a recording in place of a text")
    parser.add_argument(
        "--out", type=path, default="talking.mp4", help=".mp4, .webm, .gif or .webp to write"
    )
    add_config_flags(parser, TalkConfig)


def talk(args: argparse.Namespace) -> Result:
    """Let a portrait speak; what can be found out before is found out before."""
    if args.words is not None:
        args.text = args.words
    given = {"portrait": args.portrait, "audio": args.audio}
    files = {name: path for name, path in given.items() if path is not None}
    work = Talk(
        args.name or "",
        tuple(files.values()),
        tuple(files),
        config_from(args, TalkConfig),
        args.out,
    )
    studio = new_studio(args)
    work.require(studio)
    require_writable(args.out.parent)
    finished = carried_out(studio, work, VideoFinished)
    return {
        "video": str(finished.path),
        "seconds_long": round(finished.length, 2),
        "frames": finished.frames,
        "sound": finished.sound,
        "teeth": finished.teeth,
        "notes": list(finished.notes),
        "seconds": finished.seconds,
    }
