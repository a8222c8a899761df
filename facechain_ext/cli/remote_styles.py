"""`facechain --server URL train-style`: pictures go there, and the style is made there."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from facechain_ext.cli import console
from facechain_ext.cli.paths import photos_in
from facechain_ext.cli.remote_jobs import begun, client_of, given, watched
from facechain_ext.cli.style_training import described, refused, require_fitting
from facechain_ext.client import Client, JobOptions
from facechain_ext.client.records import Job
from facechain_ext.config import TrainStyleConfig
from facechain_ext.config.flags import config_from
from facechain_ext.studio.look_keeping import read_captions

Result = dict[str, Any]


def train_style(args: argparse.Namespace) -> Result:
    """Train there on new pictures with the captions beside them here, or on those kept there."""
    require_fitting(args)
    pictures = photos_in(args.pictures) if args.pictures else []
    settings, captions = given(args, TrainStyleConfig), _captions(args, pictures)

    def begin(client: Client, options: JobOptions) -> Job:
        if args.resume:
            return client.resume_style(args.name, options)
        call: Callable[..., Job] = client.keep_look if args.keep else client.train_style
        return call(args.name, pictures, captions, settings, options)

    with client_of(args) as client, begun(client, lambda options: begin(client, options)) as job:
        seen = [*console.shown(watched(client, job), described)]
        if args.keep:
            return {"name": args.name, "refused": refused(seen)}
        done = client.training(job.id)
    return {
        "lora": done.lora,
        "trigger_word": done.trigger_word,
        "nearness": done.likeness,
        "from_steps": list(done.steps),
        "refused": refused(seen),
        "seconds": done.seconds,
    }


def _captions(args: argparse.Namespace, pictures: list[Path]) -> dict[str, str]:
    found = read_captions(pictures, config_from(args, TrainStyleConfig))
    pairs = zip(pictures, found, strict=True)
    return {picture.name: text for picture, text in pairs if text is not None}


COMMANDS = (train_style,)
