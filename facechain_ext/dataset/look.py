"""Pictures of a look, and all that training needs of them, encoded once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import DiffusionModel
from facechain_ext.base.records import Pixels
from facechain_ext.config import TrainConfig
from facechain_ext.dataset.buckets import Framed, Size, buckets_of, framed, nearest, shape_error
from facechain_ext.dataset.captions import mirrored
from facechain_ext.dataset.latents import LatentCache, encode, training_side
from facechain_ext.diffusion.time_ids import time_ids
from facechain_ext.lora.training_facts import Buckets

_BATCH = 8
_SCALE = 8
"""Pixels of a latent's side."""


@dataclass(frozen=True, eq=False)
class LookPicture:
    """A picture of a look, as it is kept, and what it is called."""

    name: str
    pixels: Pixels
    caption: str

    @property
    def size(self) -> Size:
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True, eq=False)
class _Example:
    """What is encoded: a picture in its bucket, or its mirror image."""

    picture: int
    framed: Framed
    caption: str

    @property
    def size(self) -> Size:
        return self.framed.pixels.shape[1], self.framed.pixels.shape[0]

    def mirrored(self) -> _Example:
        seen = np.ascontiguousarray(self.framed.pixels[:, ::-1])
        return _Example(self.picture, replace(self.framed, pixels=seen), mirrored(self.caption))

    @property
    def time_ids(self) -> tuple[float, ...]:
        height, width = self.framed.pixels.shape[:2]
        return time_ids(
            original=self.framed.original, crop=self.framed.cut_off, target=(height, width)
        )


@torch.no_grad()
def cache_look(
    model: DiffusionModel,
    pictures: Iterable[LookPicture],
    config: TrainConfig,
    *,
    generator: torch.Generator,
) -> LatentCache:
    """Put every picture into its bucket and encode it, mirrored too if asked for.

    pictures: one after the other, none is kept whole. generator: on the CPU; its state decides all.
    Raises InvalidInput without pictures or for an
    impossible resolution.
    """
    examples = _examples(pictures, buckets_of(training_side(model, config)), config.random_flip)
    latents, sizes = _encoded(model, examples, generator)
    captions = list(dict.fromkeys(example.caption for example in examples))
    cond = model.encode_prompts([*captions, ""])
    if config.text_encoder_lora:
        cond = replace(cond, texts=(*captions, ""))
    device, ids = latents.device, [example.time_ids for example in examples]
    rows = [captions.index(example.caption) for example in examples]
    return LatentCache(
        latents=latents,
        loss_weights=torch.ones_like(latents[:, :1]),
        photo_index=torch.tensor([example.picture for example in examples], device=device),
        caption_index=torch.tensor(rows, device=device),
        cond=cond,
        add_time_ids=None if cond.pooled_prompt_embeds is None else torch.tensor(ids).to(latents),
        sizes=sizes if len({*map(tuple, sizes.tolist())}) > 1 else None,
    )


def buckets_for(sizes: Sequence[Size], side: int) -> Buckets:
    """Tell which buckets pictures of these sizes are in, as the LoRA's file will."""
    buckets = buckets_of(side)
    chosen = [nearest(size, buckets) for size in sizes]
    counts = tuple((*size, chosen.count(size)) for size in sorted(set(chosen)))
    return Buckets(counts, shape_error(sizes, buckets))


def _examples(
    pictures: Iterable[LookPicture], buckets: Sequence[Size], flip: bool
) -> list[_Example]:
    plain = [
        _Example(number, framed(each.pixels, nearest(each.size, buckets)), each.caption)
        for number, each in enumerate(pictures)
    ]
    if not plain:
        raise InvalidInput("There is no picture to train on.")
    return [either for each in plain for either in ((each, each.mirrored()) if flip else (each,))]


def _encoded(
    model: DiffusionModel, examples: Sequence[_Example], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Encode bucket by bucket; return latents, padded to the largest, and their rows, columns."""
    sizes = torch.tensor([(h // _SCALE, w // _SCALE) for w, h in (each.size for each in examples)])
    high, wide = sizes.amax(0).tolist()
    latents = torch.zeros(len(examples), 4, high, wide, device=model.device)
    for size in sorted({each.size for each in examples}):
        rows = [row for row, each in enumerate(examples) if each.size == size]
        for at in range(0, len(rows), _BATCH):
            part = rows[at : at + _BATCH]
            made = encode(model, [examples[row].framed.pixels for row in part], generator)
            latents[torch.tensor(part), :, : made.shape[2], : made.shape[3]] = made
    return latents, sizes.to(model.device)
