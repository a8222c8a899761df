"""The commands about styles: listed, shown, taken in from files and LoRAs, and written out."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.cli.here import new_studio
from facechain_ext.cli.paths import path, require_writable
from facechain_ext.studio.lora_cards import read_card
from facechain_ext.studio.style_likeness import cost_of
from facechain_ext.studio.style_shelf import StyleShelf
from facechain_ext.styles import find_style
from facechain_ext.styles.foreign import Imported
from facechain_ext.styles.style import as_record

Result = dict[str, Any]


def add_commands(add: Callable[..., Any], groups: Any) -> None:
    styles = groups.add_parser("styles", help="List, show, import or export styles.")
    under = styles.add_subparsers(metavar="ACTION", required=True)
    add("list", styles_list, "List the styles.", under)
    show = add("show", styles_show, "Show all that is known of a style.", under)
    show.add_argument("name", help="as list shows it")
    take = add("import", styles_import, "Add styles from files, folders or LoRAs.", under)
    take.add_argument(
        "sources", nargs="+", type=path, metavar="SOURCE",
        help="a style's JSON file, of FaceChain's own too, a folder of them, or a LoRA",
    )  # fmt: skip
    take.add_argument("--again", action="store_true", help="replace styles of the same name")
    out = add("export", styles_export, "Write a style to one file for others.", under)
    out.add_argument("name", help="as list shows it")
    out.add_argument("file", type=path, help="the JSON file to write, or a folder for it")
    card = add("card", styles_card, "Show what a LoRA's files say of it.", under)
    card.add_argument("lora", type=path, help="a .safetensors file")


def styles_list(args: argparse.Namespace) -> Result:
    styles = new_studio(args).styles.values()
    return {"styles": [{"name": s.name, "title": s.title, "prompt": s.prompt} for s in styles]}


def styles_show(args: argparse.Namespace) -> Result:
    studio = new_studio(args)
    style = find_style(studio.styles, args.name)
    told = {name: value for name, value in as_record(style).items() if name != "preview"}
    cost = cost_of(style, studio.results.everybody())
    unfit = studio.shelf.why_unfit(style)
    return {**told, "usable": not unfit, "why_not": unfit or None, "likeness": cost and cost.told}


def styles_import(args: argparse.Namespace) -> Result:
    """Take in what can be; what cannot is named, and ends in an error where nothing could."""
    studio = new_studio(args)
    require_writable(studio.host.paths.data_dir)
    found = [each for source in args.sources for each in _taken(studio.shelf, source, args.again)]
    problems = [str(each) for each in found if isinstance(each, InvalidInput)]
    added = [_added(each) for each in found if isinstance(each, Imported)]
    if not added:
        raise InvalidInput(" ".join(problems))
    return {"added": added, "problems": problems}


def _taken(shelf: StyleShelf, source: Path, again: bool) -> Iterator[Imported | InvalidInput]:
    return shelf.take_in(source, again=again)


def _added(found: Imported) -> Result:
    style, notes = found.style, " ".join(found.notes) or None
    return {"name": style.name, "title": style.title, "prompt": style.prompt, "notes": notes}


def styles_export(args: argparse.Namespace) -> Result:
    return {"file": str(new_studio(args).shelf.export(args.name, args.file))}


def styles_card(args: argparse.Namespace) -> Result:
    if not args.lora.is_file():
        raise InvalidInput(f"There is no LoRA at {args.lora}.")
    card = read_card(args.lora)
    return {
        "title": card.title,
        "trigger_words": list(card.trigger_words),
        "weight": card.weight,
        "negative_prompt": card.negative_prompt,
        "base_model": card.base_model,
        "licence": card.licence,
        "notes": card.notes,
        "told_by": dict(card.sources),
    }
