"""Train a style's LoRA on the host's model, by the trainer that trains people's."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import torch

from facechain_ext.base.events import Event, Stage, TrainingFinished
from facechain_ext.base.host import DiffusionModel, Host
from facechain_ext.base.records import Attributes
from facechain_ext.base.stopwatch import Stopwatch
from facechain_ext.config import PortraitConfig, TrainConfig, TrainStyleConfig
from facechain_ext.dataset.latents import LatentCache, training_side
from facechain_ext.dataset.look import buckets_for, cache_look
from facechain_ext.dataset.look_measure import LookMeasure
from facechain_ext.library.look import Look
from facechain_ext.library.look_manifest import as_its_style
from facechain_ext.library.runs import RunFolder, RunRecord
from facechain_ext.portrait.prompt import compose
from facechain_ext.studio.run_slices import RunSlices, begin_run, going_on
from facechain_ext.studio.style_publishing import StylePublisher, sample_style
from facechain_ext.studio.style_shelf import StyleShelf
from facechain_ext.training.memory import memory_for, mixed_precision
from facechain_ext.training.trainer import Outcome, Training, resolved

RATE = 0.5
"""Of the learning rate that suits a face on the same checkpoint."""


@dataclass(frozen=True)
class StyleTraining:
    """One look's training, timed by a watch; its style goes onto the shelf."""

    host: Host
    shelf: StyleShelf
    look: Look
    watch: Stopwatch

    def begin(self, config: TrainStyleConfig) -> Iterator[Event]:
        """Encode the look's pictures and train on them; the last event is TrainingFinished.

        Raises InvalidInput for the checkpoint or the resolution, before anything is written;
        OutOfMemory.
        """
        started = datetime.now(timezone.utc)
        with ExitStack() as held:
            with self._slices.borrowed() as model:
                # Only now: the user may have switched while we waited.
                checkpoint = self.host.current_checkpoint()
                look = self.look.save(**as_its_style(config))
                captions, sizes = look.captions(), look.sizes()
                settled = _settled(model, config, len(sizes))
                data = yield from self._cached(model, look, settled)
                run = held.enter_context(self._new_run(look))
                style = sample_style(look, captions, config.trigger_word)
                prompt = compose(Attributes(), config.trigger_word, style, PortraitConfig())
                record = RunRecord(
                    person=look.name,
                    trigger_word=config.trigger_word,
                    photo_count=len(sizes),
                    prompt=prompt.positive,
                    negative_prompt=prompt.negative,
                    checkpoint=checkpoint,
                    family=model.family,
                    prediction_type=model.prediction_type,
                    started=started,
                    config=settled,
                    mixed_precision=mixed_precision(model),
                    buckets=buckets_for(sizes, training_side(model, settled)),
                )
                begin_run(run, record, data)
                yield Stage("train", settled.total_steps)
                training = self._training(run, record, data)
                outcome = yield from self._slices.slice(run, training, model, None)
            yield from self._finish(look, run, record, training, outcome)

    def resume(self, run: RunFolder) -> Iterator[Event]:
        """Go on from a run's newest state; the last event is TrainingFinished.

        Raises ModelUnavailable unless the host has the checkpoint that the run began with, Busy
        where somebody else is going on with it.
        """
        with going_on(run, self.look.gone):
            record = run.record
            training, outcome = yield from self._slices.resumed(
                run, record, lambda data: self._training(run, record, data)
            )
            yield from self._finish(self.look, run, record, training, outcome)

    @contextmanager
    def _new_run(self, look: Look) -> Iterator[RunFolder]:
        run = RunFolder(look.new_run())
        with going_on(run, self.look.gone):
            yield run

    @property
    def _slices(self) -> RunSlices:
        return RunSlices(self.host, self.watch)

    def _cached(
        self, model: DiffusionModel, look: Look, config: TrainConfig
    ) -> Generator[Event, None, LatentCache]:
        yield Stage("cache", len(look.pictures()))
        with self.watch.measure("cache"), memory_for("encode the pictures"):
            generator = torch.Generator().manual_seed(config.seed)
            return cache_look(model, look.load(), config, generator=generator)

    def _training(self, run: RunFolder, record: RunRecord, data: LatentCache) -> Training:
        with self.watch.measure("look"):
            measure = LookMeasure.of(each.pixels for each in self.look.load())
        return Training(
            data=data,
            config=record.config,
            out_dir=run.checkpoints,
            score=measure.closeness,
            prompt=record.prompt,
            negative_prompt=record.negative_prompt,
            cancelled=self.host.cancelled,
            others_waiting=self.host.others_waiting,
            keep=run.keep,
            sizes=data.sizes,
        )

    def _finish(
        self, look: Look, run: RunFolder, record: RunRecord, training: Training, outcome: Outcome
    ) -> Iterator[Event]:
        """Go on in slices to the end, between which others have the model, and publish."""
        chosen = yield from self._slices.to_the_end(run, training, outcome)
        lora = StylePublisher(self.host, self.shelf).publish(look, run, record, chosen)
        yield TrainingFinished(lora, chosen.steps, chosen.similarity, self.watch.seconds)


def _settled(model: DiffusionModel, config: TrainStyleConfig, pictures: int) -> TrainConfig:
    """Return what the trainer takes, with what "auto" stands for with this checkpoint."""
    settled = resolved(model, config.training(pictures))
    if config.learning_rate is not None:
        return settled
    return replace(settled, learning_rate=RATE * model.suggested_learning_rate)
