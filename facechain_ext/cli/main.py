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
    photos,
    place,
    serving,
    streams,
    style_training,
    styling,
    templates,
    tryon,
)
from facechain_ext.cli.paths import path, port
from facechain_ext.config import PortraitConfig, PrepareConfig, TalkConfig, TrainConfig
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


def as_text(result: Result, indent: str = "") -> str:
    """Lay a result out for reading: scalars as lines, lists as one line per entry."""
    lines = []
    for key, value in result.items():
        if isinstance(value, (dict, list)) and not value:
            lines.append(f"{indent}{key}: none")
        elif isinstance(value, dict):
            lines += [f"{indent}{key}:", as_text(value, indent + "  ")]
        elif isinstance(value, list):
            lines += [f"{indent}{key}:", *(f"{indent}  {_entry(entry)}" for entry in value)]
        else:
            lines.append(f"{indent}{key}: {_plain(value)}")
    return "\n".join(line for line in lines if line)


def _entry(entry: Any) -> str:
    if isinstance(entry, dict):
        return "  ".join(_plain(value) for value in entry.values() if value is not None)
    return _plain(entry)


def _plain(value: Any) -> str:
    """Write a value as people do, not as Python does."""
    if isinstance(value, dict):
        told = (f"{key} {_plain(part)}" for key, part in value.items() if part is not None)
        return ", ".join(told)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "none" if value is None else str(value)


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
    _add_people(add, groups)
    photos.add_commands(add, groups)
    _add_jobs(add, groups)
    _add_catalogues(add, groups)
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

    talk = add("talk", commands.talk, "Let a portrait speak, as a video with sound.")
    talk.add_argument("words", nargs="?", metavar="TEXT", help="what is said")
    talk.add_argument("--name", help="a person of the library, whose photos lend teeth")
    talk.add_argument("--portrait", type=path, help="a picture; without one, the person's newest")
    talk.add_argument("--audio", type=path, help="a recording in place of a text")
    talk.add_argument(
        "--out", type=path, default="talking.mp4", help=".mp4, .webm, .gif or .webp to write"
    )
    add_config_flags(talk, TalkConfig)

    demo = add(
        "demo", commands.demo, "Show the whole chain on one public photo or on a folder of them."
    )
    demo.add_argument("--photos", type=path, help="a folder of photos of one person")
    demo.add_argument("--out", type=path, default="demo", help="folder for the results")
    _add_checkpoint(demo)

    page = add("ui", commands.ui, "Open the page in a browser; only this computer can reach it.")
    page.add_argument("--port", type=port, help="a fixed port (default: a free one from 7860 on)")
    page.add_argument("--no-browser", action="store_true", help="only print the address")
    _add_checkpoint(page)

    server = add("serve", serving.serve, "Answer programs over HTTP, with tokens or locally.")
    serving.add_flags(server)
    _add_checkpoint(server)


def _add_checkpoint(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint", type=path, help="an SD1, SD2 or SDXL .safetensors file or diffusers folder"
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:1 ... (default: cuda where there is one)")


def _add_people(add: Callable[..., Any], groups: Any) -> None:
    parser = groups.add_parser(
        "people", help="List, show, rename, export, import or delete people."
    )
    under = parser.add_subparsers(metavar="ACTION", required=True)
    add("list", commands.people_list, "List everybody in the library.", under)
    show = add("show", commands.people_show, "Show what is kept about a person.", under)
    rename = add("rename", commands.people_rename, "Give a person another name.", under)
    export = add("export", commands.people_export, "Write all about a person to a zip file.", under)
    publish = add(
        "publish", commands.people_publish, "Make a LoRA of a training's earlier snapshot.", under
    )
    delete = add(
        "delete", commands.people_delete, "Delete a person's photos, LoRAs, portraits.", under
    )
    for sub in (show, rename, export, publish, delete):
        sub.add_argument("name", help="the person's name, or the folder that list shows")
    rename.add_argument("new_name")
    export.add_argument("archive", type=path, help="the zip file to write")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    publish.add_argument("--run", help="the training (default: the newest one)")
    publish.add_argument("--step", type=int, help="the snapshot (default: the most like)")
    publish.add_argument(
        "--as", dest="lora_name", help="what prompts call it (default: the person's name)"
    )
    back = add("import", commands.people_import, "Take in a person from an export.", under)
    back.add_argument("archive", type=path, help="the zip file, or the folder it was unpacked to")
    back.add_argument("--name", help="instead of the name in the export")


def _add_jobs(add: Callable[..., Any], groups: Any) -> None:
    parser = groups.add_parser("jobs", help="List or cancel jobs.")
    under = parser.add_subparsers(metavar="ACTION", required=True)
    add("list", commands.jobs_list, "List what waits, runs and has lately ended.", under)
    cancel = add("cancel", commands.jobs_cancel, "Cancel jobs that wait or run.", under)
    cancel.add_argument("id", nargs="*", help="as list shows it")
    cancel.add_argument("--all", action="store_true", help="everything that waits or runs")


def _add_catalogues(add: Callable[..., Any], groups: Any) -> None:
    models = groups.add_parser("models", help="List, download or install what is optional.")
    under = models.add_subparsers(metavar="ACTION", required=True)
    add("list", commands.models_list, "List nets, packages and voices, there or to be had.", under)
    download = add("download", commands.models_download, "Fetch one optional net.", under)
    download.add_argument("id")
    install = add("install", commands.models_install, "Install one optional package.", under)
    install.add_argument("package")
    for sub in (download, install):
        sub.add_argument("--yes", action="store_true", help="agree to its size and licence")

    looks = groups.add_parser("looks", help="List, show or delete pictures that styles learn from.")
    under = looks.add_subparsers(metavar="ACTION", required=True)
    add("list", style_training.looks_list, "List the looks that pictures are kept of.", under)
    show = add("show", style_training.looks_show, "Show a look's captions, and where.", under)
    delete = add(
        "delete", style_training.looks_delete, "Delete a look's pictures, not its style.", under
    )
    for sub in (show, delete):
        sub.add_argument("name", help="what the style is called")
    delete.add_argument("--yes", action="store_true", help="do not ask")

    styles = groups.add_parser("styles", help="List, show, import or export styles.")
    under = styles.add_subparsers(metavar="ACTION", required=True)
    add("list", commands.styles_list, "List the styles.", under)
    show = add("show", styling.styles_show, "Show all that is known of a style.", under)
    show.add_argument("name", help="as list shows it")
    take = add("import", styling.styles_import, "Add styles from files, folders or LoRAs.", under)
    take.add_argument(
        "sources", nargs="+", type=path, metavar="SOURCE",
        help="a style's JSON file, of FaceChain's own too, a folder of them, or a LoRA",
    )  # fmt: skip
    take.add_argument("--again", action="store_true", help="replace styles of the same name")
    out = add("export", styling.styles_export, "Write a style to one file for others.", under)
    out.add_argument("name", help="as list shows it")
    out.add_argument("file", type=path, help="the JSON file to write, or a folder for it")
    card = add("card", styling.styles_card, "Show what a LoRA's files say of it.", under)
    card.add_argument("lora", type=path, help="a .safetensors file")
