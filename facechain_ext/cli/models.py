"""The commands about what is optional: nets, packages and voices, listed and fetched."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.cli.here import new_studio
from facechain_ext.cli.streams import agreed
from facechain_ext.installing.optional import OPTIONAL, OptionalPackage
from facechain_ext.nets.catalog import CATALOG, fetch, find
from facechain_ext.studio.packages import find_package, install
from facechain_ext.talking.voices import VOICES

Result = dict[str, Any]


def add_commands(add: Callable[..., Any], groups: Any) -> None:
    models = groups.add_parser("models", help="List, download or install what is optional.")
    under = models.add_subparsers(metavar="ACTION", required=True)
    add("list", models_list, "List nets, packages and voices, there or to be had.", under)
    download = add("download", models_download, "Fetch one optional net.", under)
    download.add_argument("id")
    install = add("install", models_install, "Install one optional package.", under)
    install.add_argument("package")
    for sub in (download, install):
        sub.add_argument("--yes", action="store_true", help="agree to its size and licence")


def models_list(args: argparse.Namespace) -> Result:
    models_dir = new_studio(args).host.paths.models_dir
    return {
        "models": [entry.describe(models_dir) for entry in CATALOG],
        "packages": [_package(package) for package in OPTIONAL],
        "voices": [
            {"name": name, "reads": offer.summary, "state": _readiness(offer.lacking(models_dir))}
            for name, offer in VOICES.items()
        ],
    }


def _readiness(lacking: Sequence[str]) -> str:
    return f"takes {', '.join(lacking)}" if lacking else "ready"


def _package(package: OptionalPackage) -> Result:
    return {
        "name": package.name,
        "purpose": package.purpose,
        "state": "installed" if package.installed else "not installed",
        "size": package.size,
        "licence": package.licence,
    }


def models_download(args: argparse.Namespace) -> Result:
    entry = find(args.id)
    if entry.unusable:
        raise InvalidInput(entry.unusable)
    if not args.yes and not agreed(f"Fetch {entry.summary}?"):
        raise InvalidInput(f"Not fetched: {entry.summary}. Give --yes to agree to that.")
    path = fetch(entry, new_studio(args).host.paths.models_dir, consent=True)
    return {"id": entry.id, "file": str(path)}


def models_install(args: argparse.Namespace) -> Result:
    """Install an optional package, as the page does."""
    package = find_package(args.package)
    wanted = f"Install {package.summary}?"
    if not package.installed and not args.yes and not agreed(wanted):
        raise InvalidInput(f"Not installed: {package.summary}. Give --yes to agree to that.")
    return {"package": package.name, "told": install(package, consent=True)}
