"""A person's trainings: begin, stop, go on, look back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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

if TYPE_CHECKING:
    from facechain_ext.studio.face_training import FaceTraining


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
