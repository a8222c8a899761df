"""The training loop: a generator, so that the caller owns progress, display and cancelling."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

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
from facechain_ext.training.stepper import Stepper, make_stepper


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
    """Train a LoRA on cached latents and return the snapshot, or mean of snapshots, to keep.

    Snapshots are written to out_dir; prompt, negative_prompt: of the samples that judge them.
    However it ends, also when the generator is closed, the model is left bit for bit as it was.
    Raises Cancelled, and InvalidInput when the loss is no number any more.
    """
    previewer = _previewer(model, config, score=score, prompts=(prompt, negative_prompt))
    kind = target_modules(model, config)
    chosen = plan(model, config)
    with (
        inject(model, kind, rank=config.rank, alpha=config.alpha, seed=config.seed) as adapter,
        accelerated(model.denoiser, dtype=chosen.autocast),
    ):
        run = _Run(
            model=model,
            data=data,
            config=config,
            plan=chosen,
            adapter=adapter,
            previewer=previewer,
            out_dir=out_dir,
            cancelled=cancelled,
        )
        snapshots = yield from run.loop()
        return run.keep(choose(snapshots, config.selection))


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


@dataclass(frozen=True, eq=False, kw_only=True)
class _Run:
    """One training, while its adapter is in the model."""

    model: DiffusionModel
    data: TrainingData
    config: TrainConfig
    plan: Plan
    adapter: LoraAdapter
    previewer: Previewer | None
    out_dir: Path
    cancelled: Callable[[], bool]

    def loop(self) -> Generator[Event, None, list[Snapshot]]:
        """Step and take snapshots to the end; return the snapshots, at least one."""
        total, marks = self.config.max_train_steps, self._marks()
        batches, stepper = self._batches(), self._stepper()
        pace = Pace(batch_size=self.plan.batch_size, steps=total, snapshots=len(marks))
        loss, snapshots = Smoothed(), []
        for step in range(1, total + 1):
            self._stop_if_cancelled()
            rate = self._learning_rate(step)
            with pace.step():
                loss.add(float(stepper.step(batches.draw(), learning_rate=rate)))
            _check_finite(loss.value, step)
            yield Step(step, total, loss.value, rate, pace.images_per_second, pace.eta_seconds)
            if step in marks:
                with pace.snapshot():
                    snapshot, preview = self._snapshot(step)
                snapshots.append(snapshot)
                yield CheckpointSaved(step, snapshot.path)
                if preview is not None:
                    yield preview
        return snapshots

    def keep(self, chosen: tuple[Snapshot, ...]) -> Chosen:
        """Read the chosen snapshots; a mean of several is sampled to learn its likeness."""
        states = [read_lora(snapshot.path)[0] for snapshot in chosen]
        steps = tuple(snapshot.step for snapshot in chosen)
        if len(states) == 1:
            return Chosen(states[0], steps, chosen[0].similarity)
        mean = average(states)
        self.adapter.load(mean)
        preview = self._preview(steps[-1])
        return Chosen(mean, steps, None if preview is None else preview.similarity)

    def _snapshot(self, step: int) -> tuple[Snapshot, Preview | None]:
        path = self.out_dir / f"step-{step:06d}.safetensors"
        save_lora(path, self.adapter.state(), {"ss_steps": str(step)})
        preview = self._preview(step)
        return Snapshot(step, path, None if preview is None else preview.similarity), preview

    def _preview(self, step: int) -> Preview | None:
        if self.previewer is None:
            return None
        return self.previewer.draw(step, lambda done, of: self._stop_if_cancelled())

    def _marks(self) -> set[int]:
        """Return the steps that a snapshot follows; the last step always is one."""
        total = self.config.max_train_steps
        return {*range(self.config.snapshot_every, total, self.config.snapshot_every), total}

    def _learning_rate(self, step: int) -> float:
        return learning_rate(
            step,
            peak=peak_learning_rate(self.model, self.config),
            total=self.config.max_train_steps,
            warmup=self.config.lr_warmup_steps,
            kind=self.config.lr_scheduler,
        )

    def _batches(self) -> Batches:
        return Batches(
            self.data,
            batch_size=self.plan.batch_size,
            caption_dropout=self.config.caption_dropout,
            timesteps=len(self.model.alphas_cumprod),
            seed=self.config.seed,
        )

    def _stepper(self) -> Stepper:
        # A stream of its own for the example, so that every stepper sees the same batches.
        example = self._batches().draw()
        parameters = self.adapter.parameters()
        return make_stepper(
            self._loss(),
            parameters,
            example=example,
            graph=self.plan.graph,
            scale_loss=self.plan.autocast == torch.float16,
        )

    def _loss(self) -> Callable[[Batch], Tensor]:
        alphas_cumprod = self.model.alphas_cumprod.to(self.model.device)

        def loss(batch: Batch) -> Tensor:
            return batch_loss(
                self.model,
                batch,
                alphas_cumprod,
                min_snr_gamma=self.config.min_snr_gamma,
                autocast=self.plan.autocast,
            )

        return loss

    def _stop_if_cancelled(self) -> None:
        if self.cancelled():
            raise Cancelled("The training was stopped.")


def _check_finite(loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise InvalidInput(
            f"The training broke down at step {step}: the loss is {loss}. "
            "Choose a lower learning rate."
        )


def _previewer(
    model: DiffusionModel, config: TrainConfig, *, score: Scorer, prompts: tuple[str, str]
) -> Previewer | None:
    if not config.samples_per_snapshot:
        return None
    cond = model.encode_prompts(list(prompts))
    rows = torch.arange(2, device=cond.prompt_embeds.device)
    seeds = tuple(range(config.samples_per_snapshot))
    return Previewer(model, cond.select(rows[:1]), cond.select(rows[1:]), seeds, score)
