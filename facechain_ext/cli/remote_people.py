"""People at a server: list, show, rename, export, import, publish, delete."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from typing import Any

from facechain_ext.base.errors import InvalidInput, PersonNotFound
from facechain_ext.cli.paths import require_writable
from facechain_ext.cli.remote_jobs import client_of
from facechain_ext.cli.streams import agreed
from facechain_ext.client import Client
from facechain_ext.client.records import Person, PersonSummary, TrainedLora
from facechain_ext.library.names import identity

Result = dict[str, Any]


def people_list(args: argparse.Namespace) -> Result:
    """List everybody; who cannot be read stands apart."""
    with client_of(args) as client:
        everybody = [*_people(client)]
    damaged = [{"slug": w.slug, "problem": w.problem} for w in everybody if w.problem]
    return {
        "people": [
            {"name": who.name, "slug": who.slug, "lora": who.lora, "likeness": who.likeness}
            for who in everybody
            if not who.problem
        ],
        **({"damaged": damaged} if damaged else {}),
    }


def _people(client: Client, search: str = "") -> Iterator[PersonSummary]:
    page = client.people(search)
    yield from page.people
    while page.next:
        page = client.people(search, after=page.next)
        yield from page.people


def slug_of(client: Client, wanted: str) -> str:
    """Return who is meant by a name or else by a slug; raises PersonNotFound."""
    found = [*_people(client, wanted)]
    for is_meant in (
        [who.slug for who in found if identity(who.name) == identity(wanted)],
        [who.slug for who in found if who.slug == wanted],
    ):
        if is_meant:
            return is_meant[0]
    raise PersonNotFound(f"There is no person {wanted!r} there; see facechain people list.")


def people_show(args: argparse.Namespace) -> Result:
    with client_of(args) as client:
        person = client.person(slug_of(client, args.name))
        captions = client.captions(person.slug).captions
    return {
        "name": person.name,
        "trigger_word": person.trigger_word,
        "created": person.created,
        "attributes": {"gender": person.gender, "age": person.age},
        "runs": [_run(lora) for lora in person.loras],
        "captions": captions,
        "stopped_training": _stopped(person),
    }


def _run(lora: TrainedLora) -> Result:
    return {
        "name": lora.run,
        "checkpoint": lora.checkpoint,
        "similarity": lora.likeness,
        "steps": list(lora.steps),
        "trigger_word": lora.trigger_word,
        "in_a_prompt": f"<lora:{lora.name}:1>",
    }


def _stopped(person: Person) -> Result | None:
    found = person.stopped_training
    if found is None:
        return None
    return {
        "run": found.run,
        "step": found.step,
        "of": found.total,
        "checkpoint": found.checkpoint,
        "go_on_with": f"facechain resume --name {shlex.quote(person.name)}",
    }


def people_rename(args: argparse.Namespace) -> Result:
    with client_of(args) as client:
        return _summary(client.change_person(slug_of(client, args.name), name=args.new_name))


def _summary(person: Person) -> Result:
    newest = person.loras[-1] if person.loras else None
    return {
        "name": person.name,
        "slug": person.slug,
        "lora": newest.name if newest else None,
        "likeness": newest.likeness if newest else None,
    }


def people_export(args: argparse.Namespace) -> Result:
    """Write an export here; raises InvalidInput where there is a file already."""
    if args.archive.exists():
        raise InvalidInput(f"{args.archive} is there already; nothing was overwritten.")
    require_writable(args.archive.parent)
    with client_of(args) as client:
        return {"archive": str(client.export_person(slug_of(client, args.name), args.archive))}


def people_import(args: argparse.Namespace) -> Result:
    if args.archive.is_dir():
        raise InvalidInput(f"{args.archive} is a folder; a server takes the zip file of an export.")
    with client_of(args) as client:
        return _summary(client.import_person(args.archive, args.name or ""))


def people_publish(args: argparse.Namespace) -> Result:
    with client_of(args) as client:
        slug = slug_of(client, args.name)
        lora = client.publish(slug, args.run, args.step, args.lora_name or "")
    return {
        "lora": lora.name,
        "in_a_prompt": f"<lora:{lora.name}:1>",
        "trigger_word": lora.trigger_word,
    }


def people_delete(args: argparse.Namespace) -> Result:
    with client_of(args) as client:
        slug = slug_of(client, args.name)
        if not args.yes and not agreed(f"Delete all that {args.server} keeps about {args.name}?"):
            raise InvalidInput("Nothing was deleted; give --yes to delete without a question.")
        return {"deleted": list(client.delete_person(slug).deleted)}


COMMANDS = (
    people_list, people_show, people_rename, people_export, people_import, people_publish,
    people_delete,
)  # fmt: skip
