"""People handed to worker processes, each with its own model and nets."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import torch

from bench.likeness.measure import FaceEmbedder
from bench.second_embedder import second_embedder
from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.nets import FaceNets

logger = logging.getLogger(__name__)


@dataclass
class Worker:
    """What one process keeps between people; loaded when first needed."""

    checkpoint: Path
    device: str

    @cached_property
    def nets(self) -> FaceNets:
        return FaceNets()

    @cached_property
    def model(self) -> DiffusersModel:
        # The UNet in full precision: it is small, and float16 would need casts at every step.
        return load_model(self.checkpoint, device=self.device, dtype=torch.float32)

    @cached_property
    def embedders(self) -> dict[str, FaceEmbedder]:
        """The product's own, and a second one where it is installed."""
        second = second_embedder()
        return {"SFace": self.nets.embedder, **({} if second is None else {"dlib": second})}


Task = Callable[[Worker, str], None]
"""Does one person's share of the work; picklable."""

_worker: Worker | None = None


def for_everybody(
    task: Task, names: Iterable[str], *, checkpoint: Path, devices: list[str], workers: int
) -> Iterator[str]:
    """Yield names as their tasks are done; one worker works in this process."""
    if workers == 1:
        worker = Worker(checkpoint, devices[0])
        for name in names:
            task(worker, name)
            yield name
        return
    context = multiprocessing.get_context("spawn")
    counter = context.Value("i", 0)
    with ProcessPoolExecutor(
        workers, context, initializer=_start, initargs=(checkpoint, devices, counter)
    ) as pool:
        futures = {pool.submit(_run, task, name): name for name in names}
        for future in as_completed(futures):
            future.result()
            yield futures[future]


def _start(checkpoint: Path, devices: list[str], counter: Any) -> None:
    """Set up a worker process: one thread each, devices in turn."""
    global _worker
    with counter.get_lock():
        number = counter.value
        counter.value += 1
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    _worker = Worker(checkpoint, devices[number % len(devices)])


def _run(task: Task, name: str) -> None:
    assert _worker is not None
    task(_worker, name)
