"""A person's trainings: begin, stop, go on, look back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facechain_ext.base.errors import InvalidInput, PersonNotFound
from facechain_ext.base.events import Event, TrainingFinished
from facechain_ext.base.host import Host
from facechain_ext.base.records import LoraFile
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.config import PortraitConfig, TrainConfig
from facechain_ext.library.people import PeopleLibrary, Person
from facechain_ext.library.runs import Resumable, RunFolder, RunHistory, newest_stopped
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

    def require(self, config: TrainConfig) -> None:
        """Raise, before any work, what is wrong with the checkpoint or the face prior."""
        from facechain_ext.studio.face_prior import read_prior

        self.host.current_checkpoint()
        read_prior(config, self.host.paths.lora_dir)

    def resumable(self, name: str) -> Resumable | None:
        """Find the newest training of a person that was stopped and can go on."""
        return Resumable.of(_stopped_run(self.library.get(name)))

    def resume(self, name: str) -> Iterator[Event]:
        """Go on with the training that `resumable` finds; the last event is TrainingFinished.

        Raises InvalidInput where there is none, ModelUnavailable on another checkpoint.
        """
        person = self.library.get(name)
        run = _stopped_run(person)
        if run is None:
            raise InvalidInput(f"{person.manifest.name} has no stopped training to go on with.")
        return self._training(person, Stopwatch()).resume(run)

    def go_on(self, name: str, since: float) -> Iterator[Event] | None:
        """Go on with the newest training that was begun since then, in Unix seconds, or tell again
        how it ended; None where none has come as far as its first saved state."""
        try:
            person = self.library.get(name)
        except PersonNotFound:  # ended before the photos were kept
            return None
        later = [run for run in _begun(person) if run.record.started.timestamp() >= since]
        if not later:
            return None
        ended = self.finished(name, later[-1].name)
        if ended is not None:
            return ended
        return None if later[-1].newest_step is None else self.resume(name)

    def finished(self, name: str, run: str) -> Iterator[Event] | None:
        """Tell again how a training ended, as its last event; None where it has not."""
        person = self.library.get(name)
        ends = [r for r in person.manifest.runs if r.name == run and not r.by_hand]
        if not ends:
            return None
        end = ends[-1]
        trigger = person.as_trained(end).trigger_word
        path = self.library.lora_file(end)
        lora = LoraFile(path, trigger, end.lora_sha256, alias=end.alias)
        return iter([TrainingFinished(lora, end.steps, end.similarity)])

    def discard(self, name: str) -> None:
        """Give up the training that `resumable` finds; what it has shown stays."""
        if run := _stopped_run(self.library.get(name)):
            with run.held():
                run.forget_states()

    def publish(
        self, name: str, run: str | None = None, step: int | None = None, lora_name: str = ""
    ) -> LoraFile:
        """Publish a snapshot of a training, the newest one's and the most like unless named.

        lora_name: what prompts call it. Raises InvalidInput where there is no such snapshot.
        """
        from facechain_ext.portrait.template import choose_template
        from facechain_ext.studio.publishing import Publisher, chosen_snapshot

        person = self.library.get(name)
        folder = _run_with_snapshots(person, run)
        record, chosen = folder.record, chosen_snapshot(folder, step)
        instances = person.load_instances()
        face = choose_template(instances).pixels if instances else None
        publisher = Publisher(self.host, self.library)
        return publisher.publish(person, folder, record, chosen, face, name=lora_name, by_hand=True)

    def history(self, name: str, run: str | None = None) -> RunHistory | None:
        """Read back what a person's training has shown, the newest one's unless named.

        None where there is no such training.
        """
        person = self.library.get(name)
        folders = [folder for folder in _begun(person) if run in (None, folder.name)]
        if not folders:
            return None
        newest = folders[-1]
        finished = newest.name in _finished(person)
        return RunHistory(newest.name, newest.record, finished, newest.log.read())

    def _training(self, person: Person, watch: Stopwatch) -> FaceTraining:
        # Only here: peft and what it needs take seconds to import, at every start of a webui.
        from facechain_ext.studio.face_training import FaceTraining

        return FaceTraining(self.host, self.nets, self.library, person, watch)


def _stopped_run(person: Person) -> RunFolder | None:
    return newest_stopped(_begun(person), _finished(person))


def _finished(person: Person) -> set[str]:
    return {run.name for run in person.manifest.runs if not run.by_hand}


def _run_with_snapshots(person: Person, name: str | None) -> RunFolder:
    """Find a training by name, or the newest one; raises InvalidInput."""
    found = [run for run in _begun(person) if run.snapshots()]
    for run in reversed(found):
        if name in (None, run.name):
            return run
    known = ", ".join(run.name for run in found) or "none"
    wanted = f"no training {name}" if name else "no training"
    raise InvalidInput(f"{person.manifest.name} has {wanted} with snapshots; there are: {known}.")


def _begun(person: Person) -> list[RunFolder]:
    """Return the trainings that got as far as their first step, oldest first."""
    return [run for run in map(RunFolder, person.run_folders) if run.begun]
