"""Quick pictures that show and measure what a LoRA has learned so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from facechain_ext.diffusion.pixels import to_pixels
from facechain_ext.diffusion.sampler import OnStep, sample
from facechain_ext.events import Preview
from facechain_ext.host import Conditioning, DiffusionModel
from facechain_ext.records import Pixels

PREVIEW_STEPS = 12
"""Sampling steps; enough to compare snapshots of one run with each other."""

Scorer = Callable[[tuple[Pixels, ...]], tuple[float | None, ...]]
"""From pictures to their likeness, None where no face is found."""


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
        """Sample the model as it is now and score the pictures; one_by_one: in less memory."""
        both = self.encode()
        rows = torch.arange(2, device=both.prompt_embeds.device)
        conds = both.select(rows[:1]), both.select(rows[1:])
        groups = [(seed,) for seed in self.seeds] if one_by_one else [self.seeds]
        images = tuple(
            image
            for seeds in groups
            for image in self._drawn(seeds, *conds, on_step, split=one_by_one)
        )
        return Preview(step, images, self.score(images))

    def _drawn(
        self,
        seeds: tuple[int, ...],
        cond: Conditioning,
        uncond: Conditioning,
        on_step: OnStep,
        *,
        split: bool,
    ) -> list[Pixels]:
        side = self.model.resolution
        latents = sample(
            self.model,
            cond,
            uncond,
            seeds=seeds,
            width=side,
            height=side,
            steps=PREVIEW_STEPS,
            guidance_scale=self.model.default_guidance_scale,
            on_step=on_step,
            split=split,
        )
        return to_pixels(self.model.decode_latents(latents))
