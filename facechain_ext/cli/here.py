"""The studio and the queue of this computer, and works carried out in them."""

from __future__ import annotations

import argparse
from typing import TypeVar

from facechain_ext.base.events import PortraitsFinished, TrainingFinished, VideoFinished
from facechain_ext.cli import console
from facechain_ext.cli.interrupt import stopping
from facechain_ext.cli.paths import data_dir
from facechain_ext.jobs.queue import Jobs
from facechain_ext.jobs.work import Work
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio

Ended = TypeVar("Ended", TrainingFinished, PortraitsFinished, VideoFinished)


def new_studio(args: argparse.Namespace) -> Studio:
    host = DiffusersHost(
        data_dir(args.data_dir),
        getattr(args, "checkpoint", None),
        device=getattr(args, "device", None),
    )
    return Studio(host, FaceNets())


def queue_of(studio: Studio, command: str) -> Jobs:
    return Jobs(studio, program=f"facechain {command}")


def carried_out(studio: Studio, work: Work, end: type[Ended]) -> Ended:
    """Do a work here, seen on the console and stopped by Ctrl-C; return the event that ends it."""
    finished = None
    with stopping(studio.host):
        for event in console.shown(queue_of(studio, work.kind).run_here(work)):
            finished = event if isinstance(event, end) else finished
    assert finished is not None
    return finished
