"""Train a person's LoRA on the host's model: begin, pause for others, go on, publish."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import torch

from facechain_ext.base.errors import Cancelled, NoUsablePhotos
from facechain_ext.base.events import Event, Stage, TrainingFinished
from facechain_ext.base.host import DiffusionModel, Host
from facechain_ext.base.records import Instance
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.config import TrainConfig
from facechain_ext.dataset.class_images import ClassImage, class_captions, draw_class_images
from facechain_ext.dataset.latents import LatentCache, cache, training_side
from facechain_ext.library.people import PeopleLibrary, Person
from facechain_ext.library.runs import RunFolder, RunRecord
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.likeness import Likeness, mean_embedding
from facechain_ext.portrait.prompt import Prompt
from facechain_ext.portrait.template import choose_template
from facechain_ext.studio.face_prior import read_prior, try_prior
from facechain_ext.studio.publishing import Publisher
from facechain_ext.studio.run_slices import RunSlices, begin_run, going_on
from facechain_ext.training.memory import memory_for, mixed_precision
from facechain_ext.training.schedule import with_steps
from facechain_ext.training.trainer import Outcome, Training, resolved


@dataclass(frozen=True)
class FaceTraining:
    """One person's training, timed by a watch; prompts are those of the sample pictures."""

    host: Host
    nets: FaceNets
    library: PeopleLibrary
    person: Person
    watch: Stopwatch

    def begin(self, config: TrainConfig, prompt: Prompt) -> Iterator[Event]:
        """Cache the person's crops and train on them; the last event is TrainingFinished.

        A draft is taken in by the library only when all is ready for the first step. Raises
        NoUsablePhotos without crops, InvalidInput for the checkpoint, the resolution or the face
        prior, which leave nothing behind; OutOfMemory; PersonNotFound for who is deleted meanwhile.
        """
        instances, prior = self._instances(), read_prior(config, self.host.paths.lora_dir)
        started = datetime.now(timezone.utc)
        with ExitStack() as held:
            with self._slices.borrowed() as model:
                # Only now: the user may have switched while we waited.
                checkpoint = self.host.current_checkpoint()
                config = with_steps(resolved(model, config), len(instances))
                try_prior(model, config, prior)
                data = yield from self._cached(model, instances, config)
                run, person = held.enter_context(self._new_run())
                record = RunRecord(
                    person=person.manifest.name,
                    trigger_word=person.manifest.trigger_word,
                    photo_count=len(instances),
                    prompt=prompt.positive,
                    negative_prompt=prompt.negative,
                    checkpoint=checkpoint,
                    family=model.family,
                    prediction_type=model.prediction_type,
                    started=started,
                    config=config,
                    attributes=person.manifest.attributes,
                    mixed_precision=mixed_precision(model),
                )
                begin_run(run, record, data)
                yield Stage("train", config.total_steps)
                training = replace(self._training(run, record, data, instances), prior=prior)
                outcome = yield from self._slices.slice(run, training, model, None)
            yield from self._finish(person, run, record, training, outcome, instances)

    def resume(self, run: RunFolder) -> Iterator[Event]:
        """Go on from a run's newest state; the last event is TrainingFinished.

        Raises ModelUnavailable unless the host has the checkpoint that the run began with, Busy
        where somebody else is going on with it.
        """
        with self._going_on(run):
            record, instances = run.record, self._instances()
            training, outcome = yield from self._slices.resumed(
                run, record, lambda data: self._training(run, record, data, instances)
            )
            yield from self._finish(self.person, run, record, training, outcome, instances)

    @contextmanager
    def _new_run(self) -> Iterator[tuple[RunFolder, Person]]:
        """Take the person in and make the folder of a run, held until it is over."""
        with ExitStack() as held:
            with self.library.changing():
                person = self.library.current(self.person)
                run = RunFolder(person.new_run())
                held.enter_context(self._going_on(run))
            yield run, person

    @contextmanager
    def _going_on(self, run: RunFolder) -> Iterator[None]:
        try:
            with going_on(run, self.person.gone):
                yield
        finally:
            self.library.settle()  # a rename may have waited for the end

    @property
    def _slices(self) -> RunSlices:
        return RunSlices(self.host, self.watch)

    def _instances(self) -> list[Instance]:
        instances = self.person.load_instances()
        if not instances:
            raise NoUsablePhotos(f"There are no photos of {self.person.manifest.name} yet.")
        return instances

    def _cached(
        self, model: DiffusionModel, instances: list[Instance], config: TrainConfig
    ) -> Generator[Event, None, LatentCache]:
        if config.class_images:
            yield Stage("class images", config.class_images)
        class_images = self._class_images(model, instances, config)
        yield Stage("cache", len(instances))
        with self.watch.measure("cache"), memory_for("encode the photos"):
            generator = torch.Generator().manual_seed(config.seed)
            return cache(model, instances, config, generator=generator, class_images=class_images)

    def _class_images(
        self, model: DiffusionModel, instances: list[Instance], config: TrainConfig
    ) -> list[ClassImage]:
        if not config.class_images:
            return []

        def stop_if_cancelled(step: int, steps: int) -> None:
            if self.host.cancelled():
                raise Cancelled("Stopped while the class images were drawn.")

        with self.watch.measure("class images"), memory_for("draw class images", "do without"):
            return draw_class_images(
                model,
                class_captions(instances, self.person.manifest.trigger_word),
                count=config.class_images,
                side=training_side(model, config),
                on_step=stop_if_cancelled,
            )

    def _training(
        self, run: RunFolder, record: RunRecord, data: LatentCache, instances: list[Instance]
    ) -> Training:
        return Training(
            data=data,
            config=record.config,
            out_dir=run.checkpoints,
            score=Likeness(self.nets, mean_embedding(instances)).of_all,
            prompt=record.prompt,
            negative_prompt=record.negative_prompt,
            cancelled=self.host.cancelled,
            others_waiting=self.host.others_waiting,
            keep=run.keep,
        )

    def _finish(
        self,
        person: Person,
        run: RunFolder,
        record: RunRecord,
        training: Training,
        outcome: Outcome,
        instances: list[Instance],
    ) -> Iterator[Event]:
        """Go on in slices to the end, between which others have the model, and publish."""
        chosen = yield from self._slices.to_the_end(run, training, outcome)
        face = choose_template(instances).pixels
        publisher = Publisher(self.host, self.library)
        lora = publisher.publish(person, run, record, chosen, face)
        yield TrainingFinished(lora, chosen.steps, chosen.similarity, self.watch.seconds)
