"""Pictures of people in general, drawn by the plain model, that keep a LoRA from changing them.

Prior preservation (Ruiz et al. 2023, arXiv 2208.12242, section 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import DiffusionModel
from facechain_ext.base.records import Instance, Pixels
from facechain_ext.diffusion.pixels import to_pixels
from facechain_ext.diffusion.sampler import OnStep, sample

SAMPLING_STEPS = 20
FIRST_SEED = 500_000
"""Far from the seeds of the samples that judge snapshots."""


@dataclass(frozen=True, eq=False)
class ClassImage:
    """A drawn picture and the prompt it was drawn from."""

    pixels: Pixels
    caption: str


def class_captions(instances: Sequence[Instance], trigger_word: str) -> list[str]:
    """Return the photos' captions without the word that stands for the person."""
    captions = [instance.caption.replace(trigger_word, "").strip(" ,") for instance in instances]
    return list(dict.fromkeys(captions))


@torch.no_grad()
def draw_class_images(
    model: DiffusionModel,
    captions: Sequence[str],
    *,
    count: int,
    side: int,
    on_step: OnStep | None = None,
) -> list[ClassImage]:
    """Draw `count` pictures (side, side), captions in turn; the same ones every time.

    on_step: called as `sample` calls it; may raise Cancelled.
    """
    if not captions:
        raise InvalidInput("Class images need a caption to be drawn from.")
    cond = model.encode_prompts([*captions, ""])
    rows = torch.arange(len(captions) + 1, device=cond.prompt_embeds.device)
    images = []
    for number in range(count):
        row = number % len(captions)
        latents = sample(
            model,
            cond.select(rows[row : row + 1]),
            cond.select(rows[-1:]),
            seeds=(FIRST_SEED + number,),
            width=side,
            height=side,
            steps=SAMPLING_STEPS,
            guidance_scale=model.default_guidance_scale,
            on_step=on_step,
        )
        (pixels,) = to_pixels(model.decode_latents(latents))
        images.append(ClassImage(pixels, captions[row]))
    return images
