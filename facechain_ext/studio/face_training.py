"""Train a person's LoRA on the host's model: begin, pause for others, go on, publish."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import torch

from facechain_ext.base.errors import Cancelled, InvalidInput, ModelUnavailable, NoUsablePhotos
from facechain_ext.base.events import Event, Stage, TrainingFinished
from facechain_ext.base.host import CheckpointRef, DiffusionModel, Host
from facechain_ext.base.records import DEFAULT_LORA_WEIGHT, Instance, LoraFile
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.config import TrainConfig
from facechain_ext.dataset.class_images import ClassImage, class_captions, draw_class_images
from facechain_ext.dataset.latents import LatentCache, cache, training_side
from facechain_ext.library.people import Person, Run
from facechain_ext.library.runs import RunFolder, RunRecord
from facechain_ext.lora.checkpoint import read_lora, save_lora, write_sidecars
from facechain_ext.lora.metadata import LoraRecord
from facechain_ext.lora.state import LoraState
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.likeness import Likeness, mean_embedding
from facechain_ext.portrait.prompt import Prompt
from facechain_ext.portrait.template import choose_template
from facechain_ext.training.memory import memory_for
from facechain_ext.training.schedule import with_steps
from facechain_ext.training.select import Chosen
from facechain_ext.training.state import TrainingState
from facechain_ext.training.trainer import Outcome, Training, resolved


@dataclass(frozen=True)
class FaceTraining:
    """One person's training, timed by a watch; prompts are those of the sample pictures."""

    host: Host
    nets: FaceNets
    person: Person
    watch: Stopwatch

    def begin(self, config: TrainConfig, prompt: Prompt) -> Iterator[Event]:
        """Cache the person's crops and train on them; the last event is TrainingFinished.

        Raises NoUsablePhotos without crops, InvalidInput for the checkpoint, the resolution or the
        face prior, which leave nothing behind; OutOfMemory.
        """
        instances, prior = self._instances(), self._prior(config)
        started = datetime.now(timezone.utc)
        with self._borrowed() as model:
            # Only now: the user may have switched while we waited.
            checkpoint = self.host.current_checkpoint()
            config = with_steps(resolved(model, config), len(instances))
            if config.class_images:
                yield Stage("class images", config.class_images)
            class_images = self._class_images(model, instances, config)
            yield Stage("cache", len(instances))
            with self.watch.measure("cache"), memory_for("encode the photos"):
                generator = torch.Generator().manual_seed(config.seed)
                data = cache(
                    model, instances, config, generator=generator, class_images=class_images
                )
            record = RunRecord(
                person=self.person.manifest.name,
                trigger_word=self.person.manifest.trigger_word,
                photo_count=len(instances),
                prompt=prompt.positive,
                negative_prompt=prompt.negative,
                checkpoint=checkpoint,
                family=model.family,
                prediction_type=model.prediction_type,
                started=started,
                config=config,
            )
            run = RunFolder(self.person.new_run())
            run.begin(record, data)
            yield Stage("train", config.max_train_steps)
            training = replace(self._training(run, record, data, instances), prior=prior)
            try:
                outcome = yield from self._slice(run, training, model, None)
            except InvalidInput:  # a face prior of other layers
                run.undo()
                raise
        yield from self._finish(run, record, training, outcome)

    def resume(self, run: RunFolder) -> Iterator[Event]:
        """Go on from a run's newest state; the last event is TrainingFinished.

        Raises ModelUnavailable unless the host has the checkpoint that the run began with.
        """
        record, instances = run.record, self._instances()
        _require_same(self.host.current_checkpoint(), record)
        with self._borrowed() as model:
            _require_same(self.host.current_checkpoint(), record)  # not switched while we waited
            state = run.rewind()
            yield Stage("train", record.config.max_train_steps)
            training = self._training(run, record, run.load_data(model.device), instances)
            outcome = yield from self._slice(run, training, model, state)
        yield from self._finish(run, record, training, outcome)

    @contextmanager
    def _borrowed(self) -> Iterator[DiffusionModel]:
        with memory_for("train"), self.host.borrow_model(for_training=True) as model:
            yield model

    def _instances(self) -> list[Instance]:
        instances = self.person.load_instances()
        if not instances:
            raise NoUsablePhotos(f"There are no photos of {self.person.manifest.name} yet.")
        return instances

    def _prior(self, config: TrainConfig) -> LoraState | None:
        if not config.face_prior:
            return None
        folder = self.host.paths.lora_dir.resolve()
        path = (folder / config.face_prior).resolve()
        if not path.is_relative_to(folder):
            raise InvalidInput(f"face_prior must be a file in the LoRA folder, {folder}.")
        return read_lora(path)[0]

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

    def _slice(
        self,
        run: RunFolder,
        training: Training,
        model: DiffusionModel,
        start: TrainingState | None,
    ) -> Generator[Event, None, Outcome]:
        with self.watch.measure("train"):
            return (yield from run.recorded(training.slice(model, start)))

    def _finish(
        self, run: RunFolder, record: RunRecord, training: Training, outcome: Outcome
    ) -> Iterator[Event]:
        """Go on in slices to the end, between which others have the model, and publish."""
        while isinstance(outcome, TrainingState):
            with self._borrowed() as model:
                outcome = yield from self._slice(run, training, model, outcome)
        lora = self._publish(run, record, outcome)
        run.forget_states()
        yield TrainingFinished(lora, outcome.steps, outcome.similarity, self.watch.seconds)

    def _publish(self, run: RunFolder, record: RunRecord, chosen: Chosen) -> LoraFile:
        """Write the LoRA with its sidecars where the host finds it, and note it in the library."""
        paths = self.host.paths
        folder = paths.lora_dir / paths.lora_folder
        path = folder / f"{self.person.slug}-{run.name}.safetensors"
        lora = save_lora(path, chosen.state, _lora_record(path.stem, record, chosen).metadata())
        photos = "1 photo" if record.photo_count == 1 else f"{record.photo_count} photos"
        notes = f"Trained on {record.checkpoint.name} from {photos}."
        preview = choose_template(self.person.load_instances()).pixels
        write_sidecars(lora, notes=notes, preview=preview)
        finished = Run(
            name=run.name,
            lora=path.name,
            lora_sha256=lora.sha256,
            checkpoint=record.checkpoint.name,
            similarity=chosen.similarity,
            steps=chosen.steps,
        )
        self.person.save(runs=(*self.person.manifest.runs, finished))
        self.host.publish_lora(lora)
        return lora


def _lora_record(name: str, record: RunRecord, chosen: Chosen) -> LoraRecord:
    return LoraRecord(
        name=name,
        person=record.person,
        trigger_word=record.trigger_word,
        photo_count=record.photo_count,
        config=record.config,
        steps=chosen.steps,
        similarity=chosen.similarity,
        checkpoint=record.checkpoint.path,
        checkpoint_sha256=record.checkpoint.sha256,
        family=record.family,
        prediction_type=record.prediction_type,
        started=record.started,
        finished=datetime.now(timezone.utc),
        weight=DEFAULT_LORA_WEIGHT,
    )


def _require_same(current: CheckpointRef, record: RunRecord) -> None:
    """Compare by hash where both are known, otherwise by name."""
    wanted = record.checkpoint
    both_hashed = bool(current.sha256 and wanted.sha256)
    same = current.sha256 == wanted.sha256 if both_hashed else current.name == wanted.name
    if not same:
        raise ModelUnavailable(
            f"The training of {record.person} was begun on {wanted.name}, but {current.name} is "
            f"loaded. Load {wanted.name} to go on."
        )
