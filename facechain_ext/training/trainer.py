"""The training loop: a generator, so that the caller owns progress, display and cancelling."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from facechain_ext.base.errors import Cancelled, InvalidInput
from facechain_ext.base.events import CheckpointSaved, Event, Preview, Step
from facechain_ext.base.host import DiffusionModel
from facechain_ext.config import TrainConfig
from facechain_ext.lora.adapter import LoraAdapter, inject
from facechain_ext.lora.checkpoint import average, read_lora, save_lora
from facechain_ext.lora.state import LoraState
from facechain_ext.training.batches import Batches, TrainingData
from facechain_ext.training.engine import Engine
from facechain_ext.training.memory import Planner, free_memory, trained_layers
from facechain_ext.training.pace import Pace, Smoothed
from facechain_ext.training.previews import Previewer, Scorer
from facechain_ext.training.schedule import learning_rate
from facechain_ext.training.select import Chosen, Snapshot, choose
from facechain_ext.training.state import TrainingState
from facechain_ext.training.text_encoder import on_device, trained_text_encoders

Outcome = Chosen | TrainingState
"""What a slice of training ends with: the LoRA to keep, or where to go on."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Training:
    """One training, apart from the model it borrows.

    Snapshots are written to out_dir; prompt, negative_prompt: of the samples that judge them.
    config: with its steps, as with_steps returns it.
    others_waiting: asked before every step but a slice's first; yes ends the slice.
    keep: given the state every `config.state_every` steps, from step 0 on, and whenever the
    training pauses, is cancelled or its generator closed.
    free_memory: bytes on a device that may be taken, None for no limit.
    prior: a LoRA that the training begins from, None to begin from the plain model.
    sizes: as Batches takes them; no CUDA graph holds steps of several sizes.
    """

    data: TrainingData
    config: TrainConfig
    out_dir: Path
    score: Scorer
    prompt: str
    negative_prompt: str
    cancelled: Callable[[], bool]
    others_waiting: Callable[[], bool] = lambda: False
    keep: Callable[[TrainingState], None] = lambda state: None
    free_memory: Callable[[torch.device], float | None] = free_memory
    prior: LoraState | None = None
    sizes: Tensor | None = None

    def slice(
        self, model: DiffusionModel, start: TrainingState | None = None
    ) -> Generator[Event, None, Outcome]:
        """Train from a state on, or from the beginning, to the end or until others wait.

        However it ends, also when the generator is closed, the model is left bit for bit as it
        was; the next slice may have another one of the same checkpoint, with the same result.
        Raises Cancelled, and InvalidInput when the loss is no number any more.
        """
        config, kind = self.config, trained_layers(model, self.config)
        planner = Planner.of(model, config, free=self.free_memory(model.device))
        planner = planner if self.sizes is None else planner.without_graphs()
        previewer = self._previewer(model)
        text_encoders = trained_text_encoders(model, config)
        with (
            on_device([encoder for encoder, _ in text_encoders], model.device),
            inject(
                model,
                kind,
                rank=config.rank,
                alpha=config.alpha,
                seed=config.seed,
                text_encoders=text_encoders,
            ) as adapter,
            Engine(
                model,
                adapter.parameters(),
                config,
                planner=planner,
                example=lambda: self.batches(model).draw(),
            ) as engine,
        ):
            work = _Slice(self, model, adapter, engine, previewer, start)
            try:
                if (yield from work.loop()):
                    return work.keep_chosen()
                paused = work.state()
                self.keep(paused)
                return paused
            except (Cancelled, GeneratorExit):
                self.keep(work.state())
                raise

    def batches(self, model: DiffusionModel) -> Batches:
        """Return the stream of batches from its beginning."""
        config = self.config
        return Batches(
            self.data,
            batch_size=config.pictures_per_step,
            caption_dropout=config.caption_dropout,
            noise_offset=config.noise_offset,
            timesteps=len(model.alphas_cumprod),
            seed=config.seed,
            prune=config.prune_ratio,
            run=config.total_steps * config.pictures_per_step,
            sizes=self.sizes,
        )

    def _previewer(self, model: DiffusionModel) -> Previewer | None:
        if not self.config.samples_per_snapshot:
            return None
        encode = partial(model.encode_prompts, [self.prompt, self.negative_prompt])
        once = None if self.config.text_encoder_lora else encode()
        seeds = tuple(range(self.config.samples_per_snapshot))
        return Previewer(model, encode if once is None else lambda: once, seeds, self.score)


def train(
    model: DiffusionModel,
    data: TrainingData,
    config: TrainConfig,
    *,
    out_dir: Path,
    score: Scorer,
    prompt: str,
    negative_prompt: str,
    cancelled: Callable[[], bool],
) -> Generator[Event, None, Chosen]:
    """Train in one slice and return the snapshot, or mean of snapshots, to keep."""
    outcome = yield from Training(
        data=data,
        config=config,
        out_dir=out_dir,
        score=score,
        prompt=prompt,
        negative_prompt=negative_prompt,
        cancelled=cancelled,
    ).slice(model)
    assert isinstance(outcome, Chosen)
    return outcome


def resolved(model: DiffusionModel, config: TrainConfig) -> TrainConfig:
    """Replace "auto" by what it stands for with this checkpoint.

    Raises InvalidInput for what this checkpoint cannot be trained with.
    """
    trained_text_encoders(model, config)
    return replace(
        config,
        learning_rate=peak_learning_rate(model, config),
        target_modules=trained_layers(model, config),
        resolution=model.resolution if config.resolution is None else config.resolution,
    )


def peak_learning_rate(model: DiffusionModel, config: TrainConfig) -> float:
    """Return the configured learning rate, or the checkpoint's own."""
    rate = config.learning_rate
    return model.suggested_learning_rate if rate is None else rate


class _Slice:
    """A training while its adapter is in a model: what changes from step to step."""

    def __init__(
        self,
        training: Training,
        model: DiffusionModel,
        adapter: LoraAdapter,
        engine: Engine,
        previewer: Previewer | None,
        start: TrainingState | None,
    ) -> None:
        self._training, self._config = training, training.config
        self._model, self._adapter, self._engine = model, adapter, engine
        self._previewer, self._batches = previewer, training.batches(model)
        self._step = self._first = 0 if start is None else start.step
        self._saved = -1 if start is None else start.step
        self._loss = Smoothed() if start is None else Smoothed(start.loss)
        self._snapshots = [] if start is None else list(start.snapshots)
        if start is not None:
            adapter.load(start.lora)
            engine.load_state(start.optimizer)
            self._batches.load_state(start.batches)
        elif training.prior is not None:
            adapter.start_from(training.prior)

    def state(self) -> TrainingState:
        """Copy everything that the next slice needs."""
        return TrainingState(
            step=self._step,
            lora=self._adapter.state(),
            optimizer=self._engine.state(),
            batches=self._batches.state(),
            loss=self._loss.state,
            snapshots=tuple(self._snapshots),
        )

    def loop(self) -> Generator[Event, None, bool]:
        """Step and take snapshots; return whether the training came to its end."""
        pace = self._new_pace()
        while True:
            if self._snapshot_due():
                with pace.snapshot():
                    snapshot, preview = self._snapshot()
                yield CheckpointSaved(self._step, snapshot.path)
                if preview is not None:
                    yield preview
                self._snapshots.append(snapshot)
            if self._step == self._config.total_steps:
                return True
            if self._step // self._config.state_every > self._saved // self._config.state_every:
                self._training.keep(self.state())
                self._saved = self._step
            self._stop_if_cancelled()
            if self._step > self._first and self._training.others_waiting():
                return False
            yield self._take_step(pace)

    def keep_chosen(self) -> Chosen:
        """Read the chosen snapshots; a mean of several is sampled to learn its likeness."""
        chosen = choose(self._snapshots, self._config.selection)
        states = [read_lora(snapshot.path)[0] for snapshot in chosen]
        steps = tuple(snapshot.step for snapshot in chosen)
        if len(states) == 1:
            return Chosen(states[0], steps, chosen[0].similarity)
        mean = average(states)
        self._adapter.load(mean)
        preview = self._preview(steps[-1])
        return Chosen(mean, steps, None if preview is None else preview.similarity)

    def _take_step(self, pace: Pace) -> Step:
        total = self._config.total_steps
        with pace.step():
            batch = self._batches.draw()
            # One more than before, or several where pictures were left out.
            step = min(self._batches.passed // self._config.pictures_per_step, total)
            rate = self._learning_rate(step)
            ahead = self._batches.draw_ahead if step < total else lambda: None
            losses = self._engine.step(batch, learning_rate=rate, meanwhile=ahead)
        pace.passed(step - self._step)
        self._batches.learn(losses)
        self._loss.add(float(losses.mean()))
        self._step = step
        _check_finite(self._loss.value, step)
        return Step(step, total, self._loss.value, rate, pace.images_per_second, pace.eta_seconds)

    def _snapshot_due(self) -> bool:
        """Tell whether a snapshot's step, or the run's end, is reached and has none yet."""
        every = self._config.snapshot_every
        last = self._snapshots[-1].step if self._snapshots else 0
        at_end = self._step == self._config.total_steps
        return self._step // every > last // every or (at_end and last != self._step)

    def _snapshot(self) -> tuple[Snapshot, Preview | None]:
        path = self._training.out_dir / f"step-{self._step:06d}.safetensors"
        path.parent.mkdir(exist_ok=True)  # in a run's folder that is there: one deleted stays so
        save_lora(path, self._adapter.state(), {"ss_steps": str(self._step)})
        preview = self._preview(self._step)
        similarity = None if preview is None else preview.similarity
        return Snapshot(self._step, path, similarity), preview

    def _preview(self, step: int) -> Preview | None:
        if (previewer := self._previewer) is None:
            return None
        stop = self._stop_if_cancelled
        return self._engine.draw(
            lambda one_by_one: previewer.draw(step, lambda done, of: stop(), one_by_one=one_by_one)
        )

    def _learning_rate(self, step: int) -> float:
        return learning_rate(
            step,
            peak=peak_learning_rate(self._model, self._config),
            total=self._config.total_steps,
            warmup=self._config.lr_warmup_steps,
            kind=self._config.lr_scheduler,
        )

    def _new_pace(self) -> Pace:
        total = self._config.total_steps
        return Pace(
            batch_size=self._engine.plan.batch_size,
            steps=total - self._step,
            snapshots=math.ceil(total / self._config.snapshot_every) - len(self._snapshots),
        )

    def _stop_if_cancelled(self) -> None:
        if self._training.cancelled():
            raise Cancelled("The training was stopped.")


def _check_finite(loss: float, step: int) -> None:
    if not math.isfinite(loss) and step <= 1:
        raise InvalidInput(
            "The checkpoint, or the face prior, gives values that are no numbers: before anything "
            f"was learned the loss is {loss}. Choose another one."
        )
    if not math.isfinite(loss):
        raise InvalidInput(
            f"The training broke down at step {step}: the loss is {loss}. "
            "Choose a lower learning rate."
        )
