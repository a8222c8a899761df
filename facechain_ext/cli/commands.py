"""What each command of the command line does: arguments in, one JSON-ready object out."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import Event, PhotoPrepared, PortraitsFinished, TrainingFinished
from facechain_ext.base.records import Portrait, PreparedPhoto
from facechain_ext.cli import console
from facechain_ext.cli.interrupt import stopping
from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig
from facechain_ext.config.flags import config_from
from facechain_ext.imaging.files import list_photos
from facechain_ext.jobs.queue import Jobs
from facechain_ext.library.people import Person
from facechain_ext.nets import FaceNets
from facechain_ext.nets.catalog import CATALOG, fetch, find
from facechain_ext.standalone.demo import run_demo
from facechain_ext.standalone.diffusers_host import DiffusersHost, default_data_dir
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.uploads import read_uploads
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.server import serve

Result = dict[str, Any]


def _studio(args: argparse.Namespace) -> Studio:
    host = DiffusersHost(
        args.data_dir or default_data_dir(),
        getattr(args, "checkpoint", None),
        device=getattr(args, "device", None),
    )
    return Studio(host, FaceNets())


def _shown(events: Iterable[Event]) -> Iterator[Event]:
    for event in events:
        console.show(event)
        yield event


def _paths(arguments: Iterable[Path]) -> list[Path]:
    """Expand folders to the photos in them; raises InvalidInput for what does not exist."""
    paths: list[Path] = []
    for argument in arguments:
        if not argument.exists():
            raise InvalidInput(f"{argument} does not exist.")
        paths += list_photos(argument) if argument.is_dir() else [argument]
    if not paths:
        raise InvalidInput("No photos there: give .jpg, .png, .webp or .heic files, or a folder.")
    return paths


def check(args: argparse.Namespace) -> Result:
    config = config_from(args, PrepareConfig)
    prepared = _studio(args).check(read_uploads(_paths(args.photos), config), config)
    return {"photos": [_verdict(photo) for photo in _last_words(prepared)]}


def _last_words(events: Iterable[PhotoPrepared]) -> list[PreparedPhoto]:
    """Keep the latest verdict of every photo, in the order the photos came."""
    latest: dict[int, PreparedPhoto] = {}
    for event in _shown(events):
        assert isinstance(event, PhotoPrepared)
        latest[event.done] = event.photo
    return [latest[key] for key in sorted(latest)]


def _verdict(photo: PreparedPhoto) -> Result:
    verdict = photo.verdict
    return {
        "photo": photo.name,
        "verdict": "accepted" if verdict.accepted else "rejected",
        "reason": verdict.reason.value if verdict.reason else None,
        "message": verdict.message,
    }


def train(args: argparse.Namespace) -> Result:
    """Enrol the photos and train; without photos, train on the person's crops as they are."""
    prepare_config, train_config = config_from(args, PrepareConfig), config_from(args, TrainConfig)
    studio = _studio(args)
    if args.photos:
        uploads = read_uploads(_paths(args.photos), prepare_config)
        events = studio.train_person(args.name, uploads, prepare_config, train_config)
    else:
        events = studio.train(args.name, train_config)
    return _trained(args.name, studio, events)


def resume(args: argparse.Namespace) -> Result:
    """Go on, on the checkpoint that the training began with unless told otherwise."""
    stopped = _studio(args).resumable(args.name)
    if args.checkpoint is None and stopped is not None:
        args.checkpoint = stopped.checkpoint_path
    studio = _studio(args)
    return _trained(args.name, studio, studio.resume(args.name))


def _trained(name: str, studio: Studio, events: Iterable[Event]) -> Result:
    finished = None
    with stopping(studio.host):
        for event in _shown(events):
            finished = event if isinstance(event, TrainingFinished) else finished
    assert finished is not None
    return {
        "person": name,
        "lora": str(finished.lora.path),
        "trigger_word": finished.lora.trigger_word,
        "likeness": finished.similarity,
        "from_steps": list(finished.steps),
        "seconds": finished.seconds,
    }


def portrait(args: argparse.Namespace) -> Result:
    studio, finished = _studio(args), None
    config = config_from(args, PortraitConfig)
    folder = args.out or studio.library.portraits_folder(args.name)
    for event in _shown(studio.make_portraits(args.name, config)):
        finished = event if isinstance(event, PortraitsFinished) else finished
        if isinstance(event, PortraitsFinished) and not event.ranked:
            studio.save_portraits(event, folder)  # all aside; why, the error tells
    assert finished is not None
    saved = studio.save_portraits(finished, folder)
    return {
        "person": args.name,
        "portraits": [_saved(p, path) for p, path in zip(finished.ranked, saved, strict=True)],
        "rejected": [_rejected(portrait) for portrait in finished.rejected],
        "notes": list(finished.notes),
        "seconds": finished.seconds,
    }


def _saved(portrait: Portrait, path: Path) -> Result:
    return {
        "similarity": portrait.score.similarity,
        "seed": portrait.seed,
        "file": str(path),
        "fusion_note": portrait.fusion_note,
    }


def _rejected(portrait: Portrait) -> Result:
    reason = portrait.score.rejection
    return {"reason": reason.value if reason else None, "seed": portrait.seed}


def demo(args: argparse.Namespace) -> Result:
    return run_demo(
        photos=args.photos,
        out=args.out,
        checkpoint=args.checkpoint,
        device=args.device,
        show=console.show,
    )


def ui(args: argparse.Namespace) -> Result:
    studio = _studio(args)
    jobs = Jobs(studio.host)
    serve(Services(studio, jobs), port=args.port, open_browser=not args.no_browser)
    return {"page": "closed"}


def people_list(args: argparse.Namespace) -> Result:
    return {"people": [_summary(person) for person in _studio(args).library.people()]}


def _summary(person: Person) -> Result:
    run = person.latest_run
    return {
        "name": person.manifest.name,
        "slug": person.slug,
        "lora": run.lora if run else None,
        "likeness": run.similarity if run else None,
    }


def people_show(args: argparse.Namespace) -> Result:
    studio = _studio(args)
    person = studio.library.get(args.name)
    captions = {path.stem: path.read_text(encoding="utf-8").strip() for path in person.captions()}
    return {
        **asdict(person.manifest),
        "folder": str(person.folder),
        "captions": captions,
        "stopped_training": _stopped(studio, args.name),
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
    return _summary(_studio(args).library.rename(args.name, args.new_name))


def people_export(args: argparse.Namespace) -> Result:
    return {"archive": str(_studio(args).library.export(args.name, args.archive))}


def people_delete(args: argparse.Namespace) -> Result:
    library = _studio(args).library
    person = library.get(args.name)
    if not args.yes and not _agreed(f"Delete all that is kept about {person.manifest.name}?"):
        raise InvalidInput("Nothing was deleted; give --yes to delete without a question.")
    return {"deleted": [str(path) for path in library.delete(args.name)]}


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def models_list(args: argparse.Namespace) -> Result:
    models_dir = _studio(args).host.paths.models_dir
    return {"models": [entry.describe(models_dir) for entry in CATALOG]}


def models_download(args: argparse.Namespace) -> Result:
    entry = find(args.id)
    if not args.yes and not _agreed(f"Fetch {entry.summary}?"):
        raise InvalidInput(f"Not fetched: {entry.summary}. Give --yes to agree to that.")
    path = fetch(entry, _studio(args).host.paths.models_dir, consent=True)
    return {"id": entry.id, "file": str(path)}


def styles_list(args: argparse.Namespace) -> Result:
    styles = _studio(args).styles.values()
    return {"styles": [{"name": s.name, "title": s.title, "prompt": s.prompt} for s in styles]}
