"""The command line: facechain check | train | portrait | demo | ui | serve | people | ..."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from facechain_ext import __version__
from facechain_ext.base.errors import InvalidInput
from facechain_ext.cli import (
    commands,
    control_pictures,
    failure,
    flag_names,
    jobs,
    models,
    page,
    people,
    photos,
    place,
    serving,
    streams,
    style_training,
    styling,
    talking,
    templates,
    tryon,
)
from facechain_ext.cli.paths import path
from facechain_ext.cli.result_text import as_text
from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig
from facechain_ext.config.flags import add_config_flags

Result = dict[str, Any]
Command = Callable[[argparse.Namespace], Result]


class Parser(argparse.ArgumentParser):
    """Tells of a wrong argument in one line, as the commands tell of theirs."""

    def error(self, message: str) -> NoReturn:
        raise InvalidInput(f"{' '.join(message.split())}. See {self.prog} --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code, one of those in `failure`."""
    arguments = sys.argv[1:] if argv is None else [*argv]
    with streams.forgiving_output():
        return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    args = argparse.Namespace(json="--json" in arguments, data_dir=None, server=None, token=None)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    warnings.simplefilter("ignore", FutureWarning)
    try:
        build_parser().parse_args(arguments, args)
        result = place.command_at_place(args)(args)
        streams.put(_as_json(result) if args.json else as_text(streams.plain_texts(result)))
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # nothing stands above us
        line, code = failure.explain(error, args.data_dir)
        return _fail(line, code, as_json=args.json)
    return failure.DONE


def _fail(message: str, code: int, *, as_json: bool) -> int:
    line = " ".join(message.split())
    if as_json:
        with suppress(OSError):
            streams.put(_as_json({"error": line}))
    streams.say(f"facechain: {line}")
    return code


def _as_json(result: Result) -> str:
    text = json.dumps(result, ensure_ascii=False)
    return text if streams.writable(text) else json.dumps(result)


def build_parser() -> argparse.ArgumentParser:
    shared = Parser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    shared.add_argument("--data-dir", type=path, help="where people, LoRAs and portraits are kept")
    place.add_flags(shared)
    parser = Parser(
        prog="facechain", description="Train a face LoRA from a few photos and make portraits."
    )
    parser.add_argument("--version", action="version", version=__version__)
    place.add_flags(parser)
    groups = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, command: Command, help: str, under: Any = groups) -> Any:
        sub = under.add_parser(name, parents=[shared], help=help, description=help)
        sub.set_defaults(command=command)
        return sub

    _add_making(add)
    for kind in (people, photos, jobs, models, style_training, styling):
        kind.add_commands(add, groups)
    return parser


def _add_making(add: Callable[..., Any]) -> None:
    check = add("check", commands.check, "Say which photos can be used, and why not the others.")
    check.add_argument("photos", nargs="+", type=path, metavar="PHOTOS", help="files or folders")
    add_config_flags(check, PrepareConfig)

    train = add("train", commands.train, "Train a face LoRA from photos of one person.")
    train.add_argument(
        "photos",
        nargs="*",
        type=path,
        metavar="PHOTOS",
        help="files or folders; without any, the photos already kept, with captions as edited",
    )
    train.add_argument("--name", required=True, help="the person's name")
    _add_checkpoint(train)
    add_config_flags(train, PrepareConfig)
    add_config_flags(train, TrainConfig, flag_names.TRAINING)

    resume = add("resume", commands.resume, "Go on with a training that was stopped.")
    resume.add_argument("--name", required=True, help="the person's name")
    _add_checkpoint(resume)

    portrait = add("portrait", commands.portrait, "Make ranked portraits of a trained person.")
    portrait.add_argument("--name", required=True, help="the person's name")
    portrait.add_argument("--out", type=path, help="folder for the pictures")
    _add_checkpoint(portrait)
    add_config_flags(portrait, PortraitConfig, flag_names.DRAWING)
    control_pictures.add_flags(portrait)

    template = add(
        "template", templates.template, "Paint people into a picture, each on the right face."
    )
    templates.add_flags(template)
    _add_checkpoint(template)
    try_on = add("try-on", tryon.try_on, "Put a garment on somebody.")
    tryon.add_flags(try_on)
    _add_checkpoint(try_on)

    style = add(
        "train-style", style_training.train_style, "Train a style's LoRA from pictures of a look."
    )
    style_training.add_flags(style)
    _add_checkpoint(style)

    talk = add("talk", talking.talk, "Let a portrait speak, as a video with sound.")
    talking.add_flags(talk)

    demo = add(
        "demo", commands.demo, "Show the whole chain on one public photo or on a folder of them."
    )
    demo.add_argument("--photos", type=path, help="a folder of photos of one person")
    demo.add_argument("--out", type=path, default="demo", help="folder for the results")
    _add_checkpoint(demo)

    opened = add("ui", page.ui, "Open the page in a browser; only this computer can reach it.")
    page.add_flags(opened)
    _add_checkpoint(opened)

    server = add("serve", serving.serve, "Answer programs over HTTP, with tokens or locally.")
    serving.add_flags(server)
    _add_checkpoint(server)


def _add_checkpoint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint", type=path, help="an SD1, SD2 or SDXL .safetensors file or diffusers folder"
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:1 ... (default: cuda where there is one)")
