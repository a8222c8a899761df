"""The commands that train styles on pictures of a look, and look after those pictures."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import Event, PhotoPrepared, Preview, TrainingFinished
from facechain_ext.cli import console, flag_names
from facechain_ext.cli.here import new_studio, queue_of
from facechain_ext.cli.interrupt import stopping
from facechain_ext.cli.paths import path, photos_in, require_writable
from facechain_ext.cli.streams import agreed
from facechain_ext.config import TrainStyleConfig
from facechain_ext.config.flags import add_config_flags, config_from
from facechain_ext.jobs.style_work import KeepLook, TrainStyle
from facechain_ext.library.look import Look
from facechain_ext.studio.look_keeping import FEWEST, MOST
from facechain_ext.studio.studio import Studio

Result = dict[str, Any]


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pictures",
        nargs="*",
        type=path,
        metavar="PICTURES",
        help=f"{FEWEST} to {MOST} files, or folders; without any, those kept, captions as edited",
    )
    parser.add_argument("--name", required=True, help="what the style is called")
    parser.add_argument(
        "--keep", action="store_true", help="only keep the pictures, to edit captions first"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with a training that was stopped"
    )
    add_config_flags(parser, TrainStyleConfig, flag_names.TRAINING)


def train_style(args: argparse.Namespace) -> Result:
    """Train on new pictures, or on those kept; what can be found out before is found out before."""
    config = config_from(args, TrainStyleConfig)
    require_fitting(args)
    pictures = photos_in(args.pictures) if args.pictures else []
    studio = new_studio(args)
    if args.resume and args.checkpoint is None:
        stopped = studio.style_trainings.resumable(args.name)
        args.checkpoint = None if stopped is None else stopped.checkpoint_path
        studio = new_studio(args)
    require_writable(studio.host.paths.data_dir)
    if args.keep:
        return _kept(studio, KeepLook.of(args.name, pictures, config))
    work = (
        TrainStyle.stopped(args.name, studio)
        if args.resume
        else TrainStyle.of(args.name, pictures, config)
    )
    return _trained(studio, work)


def require_fitting(args: argparse.Namespace) -> None:
    """Raise InvalidInput for flags that do not go together."""
    if (args.resume and (args.pictures or args.keep)) or (args.keep and not args.pictures):
        raise InvalidInput(
            "--resume takes no pictures, --keep needs some, and not both go at once."
        )


def _kept(studio: Studio, work: KeepLook) -> Result:
    with stopping(studio.host):
        told = refused(console.shown(queue_of(studio, "train-style").run_here(work)))
    look = studio.style_trainings.looks.get(work.name)
    again = f"facechain train-style --name {shlex.quote(look.name)}"
    return {**_told(look), "refused": told, "train_with": again}


def refused(events: Any) -> list[str]:
    """Say why pictures were left out."""
    judged = [event.photo for event in events if isinstance(event, PhotoPrepared)]
    return [photo.verdict.message for photo in judged if not photo.verdict.accepted]


def _trained(studio: Studio, work: TrainStyle) -> Result:
    finished, seen = None, []
    with stopping(studio.host):
        for event in console.shown(queue_of(studio, "train-style").run_here(work), described):
            seen += [event] if isinstance(event, PhotoPrepared) else []
            finished = event if isinstance(event, TrainingFinished) else finished
    assert finished is not None
    look = studio.style_trainings.looks.get(work.name)
    style = studio.styles[look.slug]
    return {
        "style": style.name,
        "prompt": style.prompt,
        "lora": str(finished.lora.path),
        "trigger_word": finished.lora.trigger_word,
        "nearness": finished.similarity,
        "from_steps": list(finished.steps),
        "refused": refused(seen),
        "seconds": finished.seconds,
    }


def described(event: Event) -> str:
    """Return an event as one line; samples are told by how near they come to the look."""
    if isinstance(event, Preview):
        return f"   nearness to the look after {event.step} steps: {event.similarity:.3f}"
    return console.describe(event)


def add_commands(add: Callable[..., Any], groups: Any) -> None:
    looks = groups.add_parser("looks", help="List, show or delete pictures that styles learn from.")
    under = looks.add_subparsers(metavar="ACTION", required=True)
    add("list", looks_list, "List the looks that pictures are kept of.", under)
    show = add("show", looks_show, "Show a look's captions, and where.", under)
    delete = add("delete", looks_delete, "Delete a look's pictures, not its style.", under)
    for sub in (show, delete):
        sub.add_argument("name", help="what the style is called")
    delete.add_argument("--yes", action="store_true", help="do not ask")


def looks_list(args: argparse.Namespace) -> Result:
    """List all looks; those that cannot be read stand apart."""
    studio = new_studio(args)
    looks = studio.style_trainings.looks
    damaged = [str(error) for error in looks.damaged()]
    told = [_summary(studio, look) for look in looks.all()]
    return {"looks": told, **({"damaged": damaged} if damaged else {})}


def _summary(studio: Studio, look: Look) -> Result:
    stopped = studio.style_trainings.resumable(look.name)
    return {
        "name": look.name,
        "style": look.slug,
        "pictures": len(look.pictures()),
        "lora": look.manifest.runs[-1].lora if look.manifest.runs else None,
        "stopped_at": None if stopped is None else f"step {stopped.step} of {stopped.total}",
    }


def looks_show(args: argparse.Namespace) -> Result:
    studio = new_studio(args)
    look = studio.style_trainings.looks.get(args.name)
    return {**_summary(studio, look), **_told(look)}


def _told(look: Look) -> Result:
    captions = {path.name: look.caption(path) for path in look.pictures()}
    return {"name": look.name, "folder": str(look.folder / "pictures"), "captions": captions}


def looks_delete(args: argparse.Namespace) -> Result:
    """Delete pictures and trainings; the style and its LoRAs stay."""
    looks = new_studio(args).style_trainings.looks
    look = looks.get(args.name)
    count = len(look.pictures())
    if not args.yes and not agreed(f"Delete the {count} pictures of {look.name}, and trainings?"):
        raise InvalidInput(
            f"Nothing was deleted of {count} pictures; give --yes to delete without a question."
        )
    looks.delete(args.name)
    return {"deleted": str(look.folder)}
