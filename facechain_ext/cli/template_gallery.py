"""What `facechain template` does with the gallery: list it, add to it, remove from it."""

from __future__ import annotations

import argparse
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.cli.paths import photos_in
from facechain_ext.studio.templates import Templates
from facechain_ext.templates.template import Template

Result = dict[str, Any]


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--list", action="store_true", help="list templates; words after it search them"
    )
    parser.add_argument(
        "--keep", action="store_true", help="add the pictures to your templates, and paint nothing"
    )
    parser.add_argument("--tags", metavar="PARK,FRIENDS", help="what --keep notes of them")
    parser.add_argument(
        "--remove", action="store_true", help="delete templates of your own, by name"
    )


def is_asked(args: argparse.Namespace) -> bool:
    """Tell whether the gallery is meant; raises InvalidInput for flags that contradict."""
    asked = [name for name in ("list", "keep", "remove") if getattr(args, name)]
    if len(asked) > 1:
        raise InvalidInput(f"Say only one of --{' and --'.join(asked)}.")
    if args.tags is not None and asked != ["keep"]:
        raise InvalidInput("--tags goes with --keep.")
    if asked and asked != ["list"] and not args.pictures:
        raise InvalidInput(f"--{asked[0]} needs a picture or a template.")
    return bool(asked)


def carried_out(args: argparse.Namespace, templates: Templates) -> Result:
    """Return what the gallery holds, or what of it has changed."""
    if args.list:
        words = " ".join(map(str, args.pictures))
        return {"templates": [told(each) for each in templates.gallery.search(words)]}
    if args.remove:
        names = [str(name) for name in args.pictures]
        found = [templates.gallery.get(name) for name in names]
        return {"removed": [told(templates.remove(each.name)) for each in found]}
    tags = [tag for tag in (args.tags or "").split(",") if tag.strip()]
    pictures = photos_in(args.pictures)
    for picture in pictures:
        templates.look(templates.read(picture))
    return {"kept": [told(templates.keep(picture, tags=tags)) for picture in pictures]}


def told(template: Template) -> Result:
    """Return a template as lists show it."""
    return {
        "name": template.name,
        "title": template.title,
        "faces": None if template.faces is None else len(template.faces),
        "tags": list(template.tags),
        "own": template.own,
        "file": str(template.picture),
    }
