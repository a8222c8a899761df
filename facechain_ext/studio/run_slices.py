"""A training's run on the host's model: begun on disk, carried out in slices, others between."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from facechain_ext.base.errors import FaceChainError, ModelUnavailable
from facechain_ext.base.events import Event, Stage
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

    def resumed(
        self, run: RunFolder, record: RunRecord, trained: Callable[[LatentCache], Training]
    ) -> Generator[Event, None, tuple[Training, Outcome]]:
        """Go on from a run's newest state for one slice; trained: makes the training of its data.

        Raises ModelUnavailable unless the host has the checkpoint that the run began with.
        """
        require_same(self.host.current_checkpoint(), record)
        with self.borrowed() as model:
            require_same(self.host.current_checkpoint(), record)  # not switched meanwhile
            state = run.rewind()
            yield Stage("train", record.config.total_steps)
            training = trained(run.load_data(model.device))
            return training, (yield from self.slice(run, training, model, state))

    def to_the_end(
        self, run: RunFolder, training: Training, outcome: Outcome
    ) -> Generator[Event, None, Chosen]:
        """Go on in slices, between which others have the model."""
        while isinstance(outcome, TrainingState):
            with self.borrowed() as model:
                outcome = yield from self.slice(run, training, model, outcome)
        return outcome


@contextmanager
def going_on(run: RunFolder, gone: Callable[[], FaceChainError]) -> Iterator[None]:
    """Hold a run while it goes on; that its folder was deleted meanwhile is a sentence."""
    try:
        with run.held():
            yield
    except (FileNotFoundError, NotADirectoryError) as error:
        if run.folder.is_dir():
            raise
        raise gone() from error


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
