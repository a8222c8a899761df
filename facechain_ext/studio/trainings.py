"""A person's trainings: begin, stop, go on, look back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.events import Event
from facechain_ext.base.host import Host
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.config import PortraitConfig, TrainConfig
from facechain_ext.library.people import PeopleLibrary, Person
from facechain_ext.library.runs import Resumable, RunFolder, RunHistory
from facechain_ext.nets import FaceNets
from facechain_ext.studio.styling import prompt_for
from facechain_ext.styles import Styles
from facechain_ext.training.pace import seconds_per_step
from facechain_ext.training.schedule import with_steps

if TYPE_CHECKING:
    from facechain_ext.studio.face_training import FaceTraining


@dataclass(frozen=True)
class Forecast:
    """How long a training would be; seconds: None where no run has shown this checkpoint's pace."""

    steps: int
    seconds: float | None


@dataclass(frozen=True)
class Trainings:
    """Trains the people of a library on the host's model."""

    host: Host
    nets: FaceNets
    library: PeopleLibrary
    styles: Styles

    def begin(self, person: Person, config: TrainConfig, watch: Stopwatch) -> Iterator[Event]:
        """Train a face LoRA on the person's crops and publish it; TrainingFinished is last."""
        prompt = prompt_for(person.manifest, self.styles.now(), PortraitConfig())
        return self._training(person, watch).begin(config, prompt)

    def forecast(self, name: str, config: TrainConfig) -> Forecast:
        """Tell how long a training on a person's kept photos would be.

        Raises PersonNotFound, ModelUnavailable without a checkpoint.
        """
        steps = with_steps(config, len(self.library.get(name).captions())).max_train_steps
        checkpoint = self.host.current_checkpoint().name
        alike = [
            RunFolder(person.folder / "runs" / run.name)
            for person in self.library.people()
            for run in person.manifest.runs
            if run.checkpoint == checkpoint
        ]
        newest = max(alike, key=lambda run: run.name, default=None)
        pace = None if newest is None else _pace(newest, config.pictures_per_step)
        return Forecast(steps, None if pace is None else steps * pace)

    def resumable(self, name: str) -> Resumable | None:
        """Find the newest training of a person that was stopped and can go on."""
        run = _stopped_run(self.library.get(name))
        if run is None or run.newest_step is None:
            return None
        record = run.record
        return Resumable(
            run=run.name,
            step=run.newest_step,
            total=record.config.max_train_steps,
            config=record.config,
            checkpoint=record.checkpoint.name,
            checkpoint_path=record.checkpoint.path,
        )

    def resume(self, name: str) -> Iterator[Event]:
        """Go on with the training that `resumable` finds; the last event is TrainingFinished.

        Raises InvalidInput where there is none, ModelUnavailable on another checkpoint.
        """
        person = self.library.get(name)
        run = _stopped_run(person)
        if run is None:
            raise InvalidInput(f"{person.manifest.name} has no stopped training to go on with.")
        return self._training(person, Stopwatch()).resume(run)

    def discard(self, name: str) -> None:
        """Give up the training that `resumable` finds; what it has shown stays."""
        if run := _stopped_run(self.library.get(name)):
            run.forget_states()

    def history(self, name: str, run: str | None = None) -> RunHistory | None:
        """Read back what a person's training has shown, the newest one's unless named.

        None where there is no such training.
        """
        person = self.library.get(name)
        folders = [folder for folder in _begun(person) if run in (None, folder.name)]
        if not folders:
            return None
        newest = folders[-1]
        finished = newest.name in {done.name for done in person.manifest.runs}
        return RunHistory(newest.name, newest.record, finished, newest.log.read())

    def _training(self, person: Person, watch: Stopwatch) -> FaceTraining:
        # Only here: peft and what it needs take seconds to import, at every start of a webui.
        from facechain_ext.studio.face_training import FaceTraining

        return FaceTraining(self.host, self.nets, person, watch)


def _pace(run: RunFolder, pictures: int) -> float | None:
    """Return the seconds that a step of so many pictures would take, going by a past run."""
    pace = _seconds_per_step(run)
    return None if pace is None else pace * pictures / run.record.config.pictures_per_step


@cache
def _seconds_per_step(run: RunFolder) -> float | None:
    return seconds_per_step(run.log.steps())


def _stopped_run(person: Person) -> RunFolder | None:
    finished = {run.name for run in person.manifest.runs}
    stopped = (
        run
        for run in reversed(_begun(person))
        if run.name not in finished and run.newest_step is not None
    )
    return next(stopped, None)


def _begun(person: Person) -> list[RunFolder]:
    """Return the trainings that got as far as their first step, oldest first."""
    return [run for run in map(RunFolder, person.run_folders) if run.begun]
