"""Trainings in processes of their own, which die by their own hand or are killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from pathlib import Path

from facechain_ext.base.events import Step
from facechain_ext.config import TrainConfig
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio
from tests.quick import two_step_samples

CONFIG = TrainConfig(
    max_train_steps=6,
    train_batch_size=2,
    rank=2,
    snapshot_every=3,
    samples_per_snapshot=1,
    target_modules="attention",
    state_every=2,
    lr_warmup_steps=1,
    resolution=128,
)

IMPORTED_LATE = ["facechain_ext.diffusion.diffusers_model", "facechain_ext.studio.face_training"]
"""What the product imports only when a training begins."""


def processes() -> BaseContext:
    """Start processes from one that has imported everything, where the system can."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *IMPORTED_LATE])
    return context


@two_step_samples()
def train(
    data_dir: Path, what: str, told: Callable[[int], object], kill_at: str = "", number: int = 0
) -> None:
    """Train Ana or resume her training, and tell each step.

    kill_at: "step" dies after step `number`, "write" halfway through that write to the disk.
    """
    fsync, writes = os.fsync, count(1)

    def write_half_and_die(descriptor: int) -> None:
        if kill_at == "write" and next(writes) == number:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            die()
        fsync(descriptor)

    if kill_at:
        os.fsync = write_half_and_die
    studio = Studio(DiffusersHost(data_dir, device="cpu"), FaceNets())
    for event in studio.resume("Ana") if what == "resume" else studio.train("Ana", CONFIG):
        if isinstance(event, Step):
            told(event.step)
            if kill_at == "step" and event.step == number:
                die()


def train_here(pipe: Connection, data_dir: Path, what: str, kill_at: str, number: int) -> None:
    """Do so in a process that was started for it."""
    train(data_dir, what, pipe.send, kill_at, number)
    pipe.close()


def die() -> None:
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
