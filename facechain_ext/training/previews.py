"""Quick pictures that show and measure what a LoRA has learned so far."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import torch

from facechain_ext.base.events import Preview
from facechain_ext.base.host import Conditioning, DiffusionModel
from facechain_ext.base.records import Pixels
from facechain_ext.diffusion.pixels import to_pixels
from facechain_ext.diffusion.sampler import OnStep, sample
from facechain_ext.training.memory import memory_for

logger = logging.getLogger(__name__)

PREVIEW_STEPS = 12
"""Sampling steps; enough to compare snapshots of one run with each other."""

Scorer = Callable[[tuple[Pixels, ...]], tuple[float | None, ...]]
"""From pictures to their likeness, None where no face is found."""

Pair = tuple[Conditioning, Conditioning]
"""The prompt and the negative prompt, one row each."""


@dataclass(frozen=True, eq=False)
class Previewer:
    """Draws the same seeds every time, so that snapshots differ in their weights alone.

    encode: gives the prompt and the negative prompt, a row each, as the model has them now.
    """

    model: DiffusionModel
    encode: Callable[[], Conditioning]
    seeds: tuple[int, ...]
    score: Scorer

    def draw(self, step: int, on_step: OnStep, *, one_by_one: bool = False) -> Preview:
        """Sample the model as it is now and score the pictures.

        one_by_one: in less memory; without it only where memory suffices for all at once.
        Raises OutOfMemory where it does not even for one.
        """
        both = self.encode()
        rows = torch.arange(2, device=both.prompt_embeds.device)
        pair = both.select(rows[:1]), both.select(rows[1:])
        images = None if one_by_one else self._at_once(pair, on_step)
        if images is None:
            with memory_for("draw the sample pictures", "choose 0 samples per snapshot"):
                images = self._one_by_one(pair, on_step)
        return Preview(step, tuple(images), self.score(tuple(images)))

    def _at_once(self, pair: Pair, on_step: OnStep) -> list[Pixels] | None:
        try:
            return self._drawn(self.seeds, pair, on_step, split=False)
        except torch.cuda.OutOfMemoryError as error:
            logger.warning("Samples are drawn one by one: %s", str(error))
        return None

    def _one_by_one(self, pair: Pair, on_step: OnStep) -> list[Pixels]:
        return [
            image
            for seed in self.seeds
            for image in self._drawn((seed,), pair, on_step, split=True)
        ]

    def _drawn(
        self, seeds: tuple[int, ...], pair: Pair, on_step: OnStep, *, split: bool
    ) -> list[Pixels]:
        side = self.model.resolution
        latents = sample(
            self.model,
            *pair,
            seeds=seeds,
            width=side,
            height=side,
            steps=PREVIEW_STEPS,
            guidance_scale=self.model.default_guidance_scale,
            on_step=on_step,
            split=split,
        )
        return to_pixels(self.model.decode_latents(latents))
