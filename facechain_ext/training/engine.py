"""Optimisation steps by the plan that fits, and by a smaller one when memory runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from facechain_ext.base.errors import OutOfMemory
from facechain_ext.base.host import DiffusionModel
from facechain_ext.config import TrainConfig
from facechain_ext.training.accumulation import accumulated
from facechain_ext.training.batches import Batch
from facechain_ext.training.checkpointing import checkpointed
from facechain_ext.training.fast.accelerated import accelerated
from facechain_ext.training.loss import batch_loss
from facechain_ext.training.loss_scale import LossScale
from facechain_ext.training.memory import Planner
from facechain_ext.training.parking import Parking
from facechain_ext.training.stepper import LossFunction, Stepper, make_stepper
from facechain_ext.training.text_encoder import encoded, trained_text_encoders

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Engine:
    """Steps the parameters of a model; a context manager that leaves the model as it found it.

    parameters: those that train. example: makes a batch of the shapes that every step will have.
    """

    def __init__(
        self,
        model: DiffusionModel,
        parameters: Sequence[nn.Parameter],
        config: TrainConfig,
        *,
        planner: Planner,
        example: Callable[[], Batch],
    ) -> None:
        self._model, self._parameters, self._config = model, parameters, config
        self._planner, self._example = planner, example
        trained = [encoder for encoder, _ in trained_text_encoders(model, config)]
        self._parking, self._arranged = Parking(model, working=trained), ExitStack()
        self._stepper: Stepper | None = None
        self._samples_fit = True
        self.plan = planner.first()

    def __enter__(self) -> Engine:
        self._arrange()
        return self

    def __exit__(self, *_: object) -> None:
        self._put_away()

    def step(
        self,
        batch: Batch,
        *,
        learning_rate: float,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Tensor:
        """Take one step and return its pictures' losses, (B,) on the CPU.

        Where memory runs out, it is taken by a smaller plan: it runs out before the update, which
        needs none but its state's, or not at all.
        meanwhile: called while the device is at work; again when the step is taken again.
        Raises OutOfMemory when the smallest plan does not fit.
        """
        while True:
            try:
                losses = self._now.step(batch, learning_rate=learning_rate)
                meanwhile()
                return losses.cpu()
            except torch.cuda.OutOfMemoryError as error:
                logger.warning("Out of memory: %s", str(error))  # the record must not hold it
            # Only here is the error gone, which holds the step's tensors.
            self._shrink()

    def state(self) -> dict[str, Tensor]:
        """Copy the optimizer's state to the CPU."""
        return self._now.state()

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state, whatever plan it was made by."""
        self._now.load_state(state)

    def draw(self, pictures: Callable[[bool], T]) -> T:
        """Have pictures drawn by the whole model, by a function told whether to draw one by one.

        Where memory runs out it is called again, while the step's own memory is given up; from
        then on that is done at once.
        """
        if self._samples_fit:
            try:
                with self._parking.at_work():
                    return pictures(self.plan.micro_batch == 1)
            except (OutOfMemory, torch.cuda.OutOfMemoryError) as error:
                logger.warning("The training makes room for its samples: %s", str(error))
            self._samples_fit = False
        state = self.state()
        self._put_away()
        try:
            return pictures(True)
        finally:
            self._arrange()
            self.load_state(state)

    @property
    def _now(self) -> Stepper:
        assert self._stepper is not None, "outside of the engine's context"
        return self._stepper

    def _shrink(self) -> None:
        state = self.state()
        self.plan = self._planner.after(self.plan)
        self._arrange()
        self.load_state(state)

    def _put_away(self) -> None:
        """Give back a step's memory first: what comes back to the device would settle in it."""
        self._stepper = None  # a graph holds the memory that it was captured with
        if self._model.device.type == "cuda":
            torch.cuda.empty_cache()
        self._arranged.close()

    def _arrange(self) -> None:
        """Park, checkpoint and set up the stepper as the plan says."""
        logger.info("Training %s", self.plan.describe())
        if self._config.text_encoder_lora:
            logger.info("Captions are encoded in every step, which no CUDA graph can hold")
        self._put_away()
        self._arranged.enter_context(self._parking.parked(enabled=self.plan.park))
        self._arranged.enter_context(
            checkpointed(self._model.denoiser, enabled=self.plan.checkpointing)
        )
        self._arranged.enter_context(
            accelerated(self._model.denoiser, dtype=self.plan.autocast if self.plan.fused else None)
        )
        half = self.plan.autocast == torch.float16
        scale = LossScale(self._model.device) if half else None
        self._stepper = make_stepper(
            accumulated(self._loss(), self.plan.micro_batch, scale),
            self._parameters,
            example=self._example(),
            graph=self.plan.graph,
            scale=scale,
        )

    def _loss(self) -> LossFunction:
        model, config, autocast = self._model, self._config, self.plan.autocast
        alphas_cumprod = model.alphas_cumprod.to(model.device)

        def loss(batch: Batch) -> Tensor:
            if config.text_encoder_lora:
                batch = replace(batch, cond=encoded(model, batch.cond, autocast))
            return batch_loss(
                model,
                batch,
                alphas_cumprod,
                min_snr_gamma=config.min_snr_gamma,
                autocast=autocast,
            )

        return loss
