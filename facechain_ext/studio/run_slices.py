"""A training's run on the host's model: begun on disk, carried out in slices, others between."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from facechain_ext.base.errors import ModelUnavailable
from facechain_ext.base.events import Event
from facechain_ext.base.host import CheckpointRef, DiffusionModel, Host
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.dataset.latents import LatentCache
from facechain_ext.library.runs import RunFolder, RunRecord
from facechain_ext.training.memory import memory_for
from facechain_ext.training.select import Chosen
from facechain_ext.training.state import TrainingState
from facechain_ext.training.trainer import Outcome, Training


@dataclass(frozen=True)
class RunSlices:
    """Trains on a model that is borrowed for each slice, timed by a watch."""

    host: Host
    watch: Stopwatch

    @contextmanager
    def borrowed(self) -> Iterator[DiffusionModel]:
        with memory_for("train"), self.host.borrow_model(for_training=True) as model:
            yield model

    def slice(
        self,
        run: RunFolder,
        training: Training,
        model: DiffusionModel,
        start: TrainingState | None,
    ) -> Generator[Event, None, Outcome]:
        with self.watch.measure("train"):
            return (yield from run.recorded(training.slice(model, start)))

    def to_the_end(
        self, run: RunFolder, training: Training, outcome: Outcome
    ) -> Generator[Event, None, Chosen]:
        """Go on in slices, between which others have the model."""
        while isinstance(outcome, TrainingState):
            with self.borrowed() as model:
                outcome = yield from self.slice(run, training, model, outcome)
        return outcome


def begin_run(run: RunFolder, record: RunRecord, data: LatentCache) -> None:
    """Write what a run begins with; where there is no room, nothing of it stays."""
    try:
        run.begin(record, data)
    except OSError:
        if run.folder.is_dir():
            run.undo()
        raise


def require_same(current: CheckpointRef, record: RunRecord) -> None:
    """Raise ModelUnavailable on another checkpoint than a run began with."""
    wanted = record.checkpoint
    if not current.is_same(wanted):
        raise ModelUnavailable(
            f"The training of {record.person} was begun on {wanted.name}, but {current.name} is "
            f"loaded. Load {wanted.name} to go on."
        )
