"""The commands that look after people: list, show, rename, export, import, publish, delete."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Attributes
from facechain_ext.cli.here import new_studio, queue_of
from facechain_ext.cli.paths import path
from facechain_ext.cli.streams import agreed
from facechain_ext.library.people import Person, Run
from facechain_ext.studio.studio import Studio

Result = dict[str, Any]


def add_commands(add: Callable[..., Any], groups: Any) -> None:
    parser = groups.add_parser(
        "people", help="List, show, rename, export, import or delete people."
    )
    under = parser.add_subparsers(metavar="ACTION", required=True)
    add("list", people_list, "List everybody in the library.", under)
    show = add("show", people_show, "Show what is kept about a person.", under)
    rename = add("rename", people_rename, "Give a person another name.", under)
    export = add("export", people_export, "Write all about a person to a zip file.", under)
    publish = add("publish", people_publish, "Make a LoRA of a training's earlier snapshot.", under)
    delete = add("delete", people_delete, "Delete a person's photos, LoRAs, portraits.", under)
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
    back = add("import", people_import, "Take in a person from an export.", under)
    back.add_argument("archive", type=path, help="the zip file, or the folder it was unpacked to")
    back.add_argument("--name", help="instead of the name in the export")


def people_list(args: argparse.Namespace) -> Result:
    """List everybody; who cannot be read stands apart, or is the error where there is nobody else.

    Raises the error of a damaged person who is alone.
    """
    library = new_studio(args).library
    people, damaged = library.people(), library.damaged()
    if damaged and not people:
        raise damaged[0].error
    told = [{"slug": who.slug, "problem": str(who.error)} for who in damaged]
    return {
        "people": [_summary(person) for person in people],
        **({"damaged": told} if told else {}),
    }


def _summary(person: Person) -> Result:
    run = person.latest_run
    return {
        "name": person.manifest.name,
        "slug": person.slug,
        "lora": run.lora if run else None,
        "likeness": run.similarity if run else None,
    }


def people_show(args: argparse.Namespace) -> Result:
    studio = new_studio(args)
    person = studio.library.get(args.name)
    manifest = person.manifest
    return {
        "name": manifest.name,
        "trigger_word": manifest.trigger_word,
        "created": manifest.created,
        "attributes": _attributes(manifest.attributes),
        "runs": [_run(run) for run in manifest.runs],
        "schema": manifest.schema,
        "folder": str(person.folder),
        "captions": {path.stem: person.caption(path) for path in person.captions()},
        "stopped_training": _stopped(studio, manifest.name),
    }


def _attributes(attributes: Attributes) -> Result:
    gender = attributes.gender
    return {**asdict(attributes), "gender": gender.value if gender else None}


def _run(run: Run) -> Result:
    attributes = run.attributes
    return {
        **asdict(run),
        "steps": list(run.steps),
        "attributes": _attributes(attributes) if attributes else None,
        "in_a_prompt": f"<lora:{run.prompt_name}:1>",
    }


def _stopped(studio: Studio, name: str) -> Result | None:
    found = studio.resumable(name)
    if found is None:
        return None
    return {
        "run": found.run,
        "step": found.step,
        "of": found.total,
        "checkpoint": found.checkpoint,
        "go_on_with": f"facechain resume --name {shlex.quote(name)}",
    }


def people_rename(args: argparse.Namespace) -> Result:
    studio = new_studio(args)
    person = studio.library.rename(args.name, args.new_name)
    queue_of(studio, "people").renamed(args.name, person.manifest.name)
    return _summary(person)


def people_export(args: argparse.Namespace) -> Result:
    return {"archive": str(new_studio(args).library.export(args.name, args.archive))}


def people_import(args: argparse.Namespace) -> Result:
    return _summary(new_studio(args).import_person(args.archive, args.name or ""))


def people_publish(args: argparse.Namespace) -> Result:
    """Publish a snapshot of an earlier training as a LoRA of its own."""
    lora = new_studio(args).publish(args.name, args.run, args.step, args.lora_name or "")
    return {
        "lora": str(lora.path),
        "in_a_prompt": f"<lora:{lora.alias or lora.name}:1>",
        "trigger_word": lora.trigger_word,
    }


def people_delete(args: argparse.Namespace) -> Result:
    studio = new_studio(args)
    files = studio.library.files(args.name)
    if not args.yes and not agreed(f"Delete all that is kept about {args.name}?"):
        raise InvalidInput(
            f"Nothing was deleted of {len(files)} files; give --yes to delete without a question."
        )
    return {"deleted": [str(path) for path in queue_of(studio, "people").delete_person(args.name)]}
