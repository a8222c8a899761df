"""The training loop: a generator, so that the caller owns progress, display and cancelling."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from facechain_ext.config import TargetModules, TrainConfig
from facechain_ext.errors import Cancelled, InvalidInput
from facechain_ext.events import CheckpointSaved, Event, Preview, Step
from facechain_ext.host import DiffusionModel
from facechain_ext.lora.adapter import LoraAdapter, inject
from facechain_ext.lora.checkpoint import average, read_lora, save_lora
from facechain_ext.training.batches import Batch, Batches, TrainingData
from facechain_ext.training.fast.accelerated import accelerated
from facechain_ext.training.loss import batch_loss
from facechain_ext.training.memory import Plan, plan
from facechain_ext.training.pace import Pace, Smoothed
from facechain_ext.training.previews import Previewer, Scorer
from facechain_ext.training.schedule import learning_rate
from facechain_ext.training.select import Chosen, Snapshot, choose
from facechain_ext.training.state import TrainingState
from facechain_ext.training.stepper import Stepper, make_stepper

Outcome = Chosen | TrainingState
"""What a slice of training ends with: the LoRA to keep, or where to go on."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Training:
    """One training, apart from the model it borrows.

    Snapshots are written to out_dir; prompt, negative_prompt: of the samples that judge them.
    others_waiting: asked before every step but a slice's first; yes ends the slice.
    keep: given the state every `config.state_every` steps, from step 0 on, and whenever the
    training pauses, is cancelled or its generator closed.
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

    def slice(
        self, model: DiffusionModel, start: TrainingState | None = None
    ) -> Generator[Event, None, Outcome]:
        """Train from a state on, or from the beginning, to the end or until others wait.

        However it ends, also when the generator is closed, the model is left bit for bit as it
        was; the next slice may have another one of the same checkpoint, with the same result.
        Raises Cancelled, and InvalidInput when the loss is no number any more.
        """
        config, kind = self.config, target_modules(model, self.config)
        previewer, chosen = self._previewer(model), plan(model, config)
        with (
            inject(model, kind, rank=config.rank, alpha=config.alpha, seed=config.seed) as adapter,
            accelerated(model.denoiser, dtype=chosen.autocast if chosen.fused else None),
        ):
            work = _Slice(self, model, adapter, chosen, previewer, start)
            try:
                if (yield from work.loop()):
                    return work.keep_chosen()
                paused = work.state()
                self.keep(paused)
                return paused
            except (Cancelled, GeneratorExit):
                self.keep(work.state())
                raise

    def _previewer(self, model: DiffusionModel) -> Previewer | None:
        if not self.config.samples_per_snapshot:
            return None
        cond = model.encode_prompts([self.prompt, self.negative_prompt])
        rows = torch.arange(2, device=cond.prompt_embeds.device)
        seeds = tuple(range(self.config.samples_per_snapshot))
        return Previewer(model, cond.select(rows[:1]), cond.select(rows[1:]), seeds, self.score)


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
    """Replace "auto" and 0 by what they stand for with this checkpoint."""
    return replace(
        config,
        learning_rate=peak_learning_rate(model, config),
        target_modules=target_modules(model, config),
        resolution=config.resolution or model.resolution,
    )


def peak_learning_rate(model: DiffusionModel, config: TrainConfig) -> float:
    """Return the configured learning rate, or the checkpoint's own for 0."""
    return config.learning_rate or model.suggested_learning_rate


def target_modules(model: DiffusionModel, config: TrainConfig) -> TargetModules:
    """Return the configured layers, or the checkpoint's own for "auto"."""
    return (
        model.suggested_target_modules if config.target_modules == "auto" else config.target_modules
    )


class _Slice:
    """A training while its adapter is in a model: what changes from step to step."""

    def __init__(
        self,
        training: Training,
        model: DiffusionModel,
        adapter: LoraAdapter,
        chosen: Plan,
        previewer: Previewer | None,
        start: TrainingState | None,
    ) -> None:
        self._training, self._config = training, training.config
        self._model, self._adapter, self._previewer = model, adapter, previewer
        self._plan = chosen
        self._step = self._first = 0 if start is None else start.step
        self._loss = Smoothed() if start is None else Smoothed(start.loss)
        self._snapshots = [] if start is None else list(start.snapshots)
        if start is not None:
            adapter.load(start.lora)
        self._batches, self._stepper = self._new_batches(), self._new_stepper()
        if start is not None:
            self._batches.load_state(start.batches)
            self._stepper.load_state(start.optimizer)

    def state(self) -> TrainingState:
        """Copy everything that the next slice needs."""
        return TrainingState(
            step=self._step,
            lora=self._adapter.state(),
            optimizer=self._stepper.state(),
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
            if self._step == self._config.max_train_steps:
                return True
            if self._step % self._config.state_every == 0:
                self._training.keep(self.state())
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
        step, total = self._step + 1, self._config.max_train_steps
        rate = self._learning_rate(step)
        with pace.step():
            loss_on_device = self._stepper.step(self._batches.draw(), learning_rate=rate)
            if step < total:
                self._batches.draw_ahead()  # while the device is at work
            loss = float(loss_on_device)
        self._loss.add(loss)
        self._step = step
        _check_finite(self._loss.value, step)
        return Step(step, total, self._loss.value, rate, pace.images_per_second, pace.eta_seconds)

    def _snapshot_due(self) -> bool:
        """Tell whether this step, or the run's end, is a snapshot's and has none yet."""
        at_end = self._step == self._config.max_train_steps
        marked = at_end or (self._step and self._step % self._config.snapshot_every == 0)
        return bool(marked) and all(each.step != self._step for each in self._snapshots)

    def _snapshot(self) -> tuple[Snapshot, Preview | None]:
        path = self._training.out_dir / f"step-{self._step:06d}.safetensors"
        save_lora(path, self._adapter.state(), {"ss_steps": str(self._step)})
        preview = self._preview(self._step)
        similarity = None if preview is None else preview.similarity
        return Snapshot(self._step, path, similarity), preview

    def _preview(self, step: int) -> Preview | None:
        if self._previewer is None:
            return None
        return self._previewer.draw(step, lambda done, of: self._stop_if_cancelled())

    def _learning_rate(self, step: int) -> float:
        return learning_rate(
            step,
            peak=peak_learning_rate(self._model, self._config),
            total=self._config.max_train_steps,
            warmup=self._config.lr_warmup_steps,
            kind=self._config.lr_scheduler,
        )

    def _new_pace(self) -> Pace:
        total = self._config.max_train_steps
        return Pace(
            batch_size=self._plan.batch_size,
            steps=total - self._step,
            snapshots=math.ceil(total / self._config.snapshot_every) - len(self._snapshots),
        )

    def _new_batches(self) -> Batches:
        return Batches(
            self._training.data,
            batch_size=self._plan.batch_size,
            caption_dropout=self._config.caption_dropout,
            timesteps=len(self._model.alphas_cumprod),
            seed=self._config.seed,
        )

    def _new_stepper(self) -> Stepper:
        # A stream of its own for the example, so that every stepper sees the same batches.
        example = self._new_batches().draw()
        return make_stepper(
            self._loss_of(),
            self._adapter.parameters(),
            example=example,
            graph=self._plan.graph,
            scale_loss=self._plan.autocast == torch.float16,
        )

    def _loss_of(self) -> Callable[[Batch], torch.Tensor]:
        alphas_cumprod = self._model.alphas_cumprod.to(self._model.device)

        def loss(batch: Batch) -> torch.Tensor:
            return batch_loss(
                self._model,
                batch,
                alphas_cumprod,
                min_snr_gamma=self._config.min_snr_gamma,
                autocast=self._plan.autocast,
            )

        return loss

    def _stop_if_cancelled(self) -> None:
        if self._training.cancelled():
            raise Cancelled("The training was stopped.")


def _check_finite(loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise InvalidInput(
            f"The training broke down at step {step}: the loss is {loss}. "
            "Choose a lower learning rate."
        )
