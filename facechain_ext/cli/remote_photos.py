"""A person's photos at a server: list, add, delete."""

from __future__ import annotations

import argparse
from typing import Any

from facechain_ext.cli import console
from facechain_ext.cli.paths import photos_in
from facechain_ext.cli.photos import require_agreed, told
from facechain_ext.cli.remote_jobs import begun, client_of, given, watched
from facechain_ext.cli.remote_people import slug_of
from facechain_ext.client import Client
from facechain_ext.config import PrepareConfig

Result = dict[str, Any]


def photos_list(args: argparse.Namespace) -> Result:
    with client_of(args) as client:
        return _kept(client, args.name)


def photos_add(args: argparse.Namespace) -> Result:
    """Keep photos there beside those that are there."""
    prepare, photos = given(args, PrepareConfig), photos_in(args.photos)
    with (
        client_of(args) as client,
        begun(client, lambda o: client.enrol(args.name, photos, prepare, o, add=True)) as job,
    ):
        for _ in console.shown(watched(client, job)):
            pass
        return _kept(client, args.name)


def photos_delete(args: argparse.Namespace) -> Result:
    with client_of(args) as client:
        slug = slug_of(client, args.name)
        require_agreed(args, args.name)
        left = client.delete_photo(slug, args.photo).photos
        return told(client.person(slug).name, left)


def _kept(client: Client, name: str) -> Result:
    slug = slug_of(client, name)
    return told(client.person(slug).name, client.photos(slug).photos)


COMMANDS = (photos_list, photos_add, photos_delete)
