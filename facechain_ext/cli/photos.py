"""The commands that look after a person's photos: list, add, delete."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from facechain_ext.base.errors import InvalidInput
from facechain_ext.cli import console
from facechain_ext.cli.here import new_studio, queue_of
from facechain_ext.cli.interrupt import stopping
from facechain_ext.cli.paths import path, photos_in, require_writable
from facechain_ext.cli.streams import agreed
from facechain_ext.config import PrepareConfig
from facechain_ext.config.flags import add_config_flags, config_from
from facechain_ext.jobs.works import Enrol
from facechain_ext.library.person import Person

Result = dict[str, Any]


class Judged(Protocol):
    """What was said of a photo, here or by a server."""

    @property
    def stem(self) -> str | None: ...

    @property
    def name(self) -> str: ...

    @property
    def accepted(self) -> bool: ...

    @property
    def message(self) -> str: ...


def add_commands(add: Callable[..., Any], groups: Any) -> None:
    parser = groups.add_parser("photos", help="List, add or delete a person's photos.")
    under = parser.add_subparsers(metavar="ACTION", required=True)
    kept = add("list", photos_list, "List photos, and what was said of each.", under)
    more = add("add", photos_add, "Keep photos beside those that are there.", under)
    less = add("delete", photos_delete, "Delete one photo with its crop and caption.", under)
    for sub in (kept, more, less):
        sub.add_argument("--name", required=True, help="the person's name")
    more.add_argument("photos", nargs="+", type=path, metavar="PHOTOS", help="files or folders")
    add_config_flags(more, PrepareConfig)
    less.add_argument("photo", help="what list calls it")
    less.add_argument("--yes", action="store_true", help="do not ask")


def photos_list(args: argparse.Namespace) -> Result:
    return _kept(new_studio(args).library.get(args.name))


def photos_add(args: argparse.Namespace) -> Result:
    """Keep photos beside those that are there; nothing is trained."""
    config, photos = config_from(args, PrepareConfig), photos_in(args.photos)
    studio = new_studio(args)
    require_writable(studio.host.paths.data_dir)
    work = Enrol(args.name, tuple(photos), config, add=True)
    with stopping(studio.host):
        for _ in console.shown(queue_of(studio, "photos").run_here(work)):
            pass
    return _kept(studio.library.get(args.name))


def photos_delete(args: argparse.Namespace) -> Result:
    """Delete one photo with its crop and caption; LoRAs stay as they were trained."""
    person = new_studio(args).library.get(args.name)
    require_agreed(args, person.manifest.name)
    return _kept(person.delete_photo(args.photo))


def require_agreed(args: argparse.Namespace, name: str) -> None:
    """Ask whether a photo is to go; raises InvalidInput."""
    if not args.yes and not agreed(f"Delete the photo {args.photo} of {name}?"):
        raise InvalidInput("Nothing was deleted; give --yes to delete without a question.")


def _kept(person: Person) -> Result:
    return told(person.manifest.name, person.verdicts())


def told(name: str, photos: Iterable[Judged]) -> Result:
    """Tell of a person's photos; `photo` is what delete and captions call one that is kept."""
    return {
        "person": name,
        "photos": [
            {
                "photo": each.stem,
                "file": each.name,
                "verdict": "accepted" if each.accepted else "rejected",
                "message": each.message,
            }
            for each in photos
        ],
    }
