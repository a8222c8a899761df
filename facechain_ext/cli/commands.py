"""The commands of the main way: photos judged, a person trained, portraits made."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import (
    Event,
    PhotoPrepared,
    PortraitsFinished,
    Stage,
    TrainingFinished,
)
from facechain_ext.base.records import Portrait, PreparedPhoto
from facechain_ext.cli import console
from facechain_ext.cli.control_pictures import read_controls
from facechain_ext.cli.here import carried_out, new_studio, queue_of
from facechain_ext.cli.paths import photos_in, require_writable
from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig
from facechain_ext.config.flags import config_from
from facechain_ext.jobs.work import Work
from facechain_ext.jobs.works import MakePortraits, Resume, Train
from facechain_ext.standalone.demo import run_demo
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.uploads import read_uploads

Result = dict[str, Any]


def check(args: argparse.Namespace) -> Result:
    config = config_from(args, PrepareConfig)
    uploads = read_uploads(photos_in(args.photos), config)
    events: Iterable[Event] = new_studio(args).check(uploads, config)
    console.show(Stage("check", len(uploads)))
    # As text, the result says on the same screen what the progress would.
    if args.json:
        events = console.shown(events)
    return {"photos": [verdict(photo) for photo in last_words(events)]}


def last_words(events: Iterable[Event]) -> list[PreparedPhoto]:
    """Keep the latest verdict of every photo, in the order the photos came."""
    latest: dict[int, PreparedPhoto] = {}
    for event in events:
        assert isinstance(event, PhotoPrepared)
        latest[event.done] = event.photo
    return [latest[key] for key in sorted(latest)]


def verdict(photo: PreparedPhoto) -> Result:
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
    photos = photos_in(args.photos) if args.photos else []
    studio = new_studio(args)
    require_writable(studio.host.paths.data_dir)
    return _trained(studio, Train(args.name, tuple(photos), prepare_config, train_config))


def resume(args: argparse.Namespace) -> Result:
    """Go on, on the checkpoint that the training began with unless told otherwise."""
    stopped = new_studio(args).resumable(args.name)
    if args.checkpoint is None and stopped is not None:
        args.checkpoint = stopped.checkpoint_path
    studio = new_studio(args)
    require_writable(studio.host.paths.data_dir)
    return _trained(studio, Resume(args.name))


def _trained(studio: Studio, work: Work) -> Result:
    finished = carried_out(studio, work, TrainingFinished)
    return {
        "person": work.person,
        "lora": str(finished.lora.path),
        "trigger_word": finished.lora.trigger_word,
        "likeness": finished.similarity,
        "from_steps": list(finished.steps),
        "seconds": finished.seconds,
    }


def portrait(args: argparse.Namespace) -> Result:
    """Draw portraits; what can be found out before is found out before."""
    studio, finished = new_studio(args), None
    config = config_from(args, PortraitConfig, **read_controls(args, studio.read_depth))
    if config.min_face_share > config.max_face_share:
        raise InvalidInput("min_face_share must not be more than max_face_share.")
    work = MakePortraits(args.name, config, args.out)
    work.require(studio)
    require_writable(args.out or studio.host.paths.output_dir)
    for event in console.shown(queue_of(studio, work.kind).run_here(work)):
        finished = event if isinstance(event, PortraitsFinished) else finished
    assert finished is not None
    placed = zip(finished.ranked, finished.saved, strict=True)
    return {
        "person": args.name,
        "portraits": [_saved(portrait, path) for portrait, path in placed],
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
    require_writable(args.out)
    return run_demo(
        photos=args.photos,
        out=args.out,
        checkpoint=args.checkpoint,
        device=args.device,
        show=console.show,
    )
