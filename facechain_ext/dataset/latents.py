"""Everything training needs of the photos, encoded once: latents, loss weights, captions."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import Conditioning, DiffusionModel
from facechain_ext.base.records import Instance, Mask, Pixels
from facechain_ext.config import TrainConfig
from facechain_ext.dataset.background import PLAIN
from facechain_ext.dataset.captions import mirrored
from facechain_ext.dataset.class_images import ClassImage
from facechain_ext.dataset.crops import random_crop
from facechain_ext.diffusion.time_ids import time_ids
from facechain_ext.imaging.geometry import Matrix, scale_of, warp, warp_mask

logger = logging.getLogger(__name__)

LEAST_CROPS = 12
"""Crops of a whole run, before mirroring: one or two photos give more crops each."""

NO_PHOTO = -1
"""The photo index of what the plain model drew."""

_BATCH = 8
_SIDE_MULTIPLE = 64
"""The autoencoder's 8 times the three halvings of the UNet."""


@dataclass(frozen=True, eq=False)
class LatentCache:
    """M encoded crops and the captions they point to.

    latents: (M, 4, h, w). loss_weights: (M, 1, h, w), mean 1 per photo's crop, 0 where errors do
    not count. photo_index: (M,) int64, -1 for class images. caption_index: (M,) int64, rows of
    cond. cond: one row per caption, then one for the empty caption; with their texts where
    the text encoder is trained. All on the model's device.
    add_time_ids: (M, 6), SDXL only: each crop's original size, what it cuts off, its own size.
    sizes: (M, 2) int64, rows and columns of each picture's latents where they differ: what is
    beyond them is padding.
    """

    latents: Tensor
    loss_weights: Tensor
    photo_index: Tensor
    caption_index: Tensor
    cond: Conditioning
    add_time_ids: Tensor | None = None
    sizes: Tensor | None = None

    def __len__(self) -> int:
        return len(self.latents)

    @property
    def empty_caption(self) -> int:
        """Row of cond that holds the empty caption."""
        return len(self.cond.prompt_embeds) - 1


@dataclass(frozen=True, eq=False)
class Crop:
    """One crop of an instance: what is encoded and what its errors weigh.

    original: side of the instance, cut_off: what lies above, left and right of the crop once the
    instance has the crop's scale; all in pixels, for SDXL.
    """

    photo: int
    pixels: Pixels
    weights: Mask
    caption: str
    original: float
    cut_off: tuple[float, float, float]

    @property
    def time_ids(self) -> tuple[float, ...]:
        """Tell sizes as SDXL takes them: original, top and left cut off, drawn; see time_ids.py."""
        height, width = self.pixels.shape[:2]
        top, left, _ = self.cut_off
        original = (self.original, self.original)
        return time_ids(original=original, crop=(top, left), target=(height, width))

    def mirrored(self) -> Crop:
        """Return the same crop seen in a mirror, its caption too."""
        return Crop(
            self.photo,
            np.ascontiguousarray(self.pixels[:, ::-1]),
            np.ascontiguousarray(self.weights[:, ::-1]),
            mirrored(self.caption),
            self.original,
            (self.cut_off[0], self.cut_off[2], self.cut_off[1]),
        )


@torch.no_grad()
def cache(
    model: DiffusionModel,
    instances: Sequence[Instance],
    config: TrainConfig,
    *,
    generator: torch.Generator,
    class_images: Sequence[ClassImage] = (),
) -> LatentCache:
    """Crop, mirror and encode every instance; the same generator state gives the same cache.

    generator: on the CPU. class_images: of the training's resolution; all of them together weigh
    config.prior_loss_weight times as much as all crops.
    Raises InvalidInput without instances or for an impossible resolution.
    """
    size = training_side(model, config)
    crops = training_crops(instances, config, size=size, generator=generator)
    class_weight = config.prior_loss_weight * len(crops) / max(len(class_images), 1)
    crops += [_whole(image) for image in class_images]
    latents = torch.cat(
        [encode(model, [crop.pixels for crop in part], generator) for part in _batches(crops)]
    )
    captions = list(dict.fromkeys(crop.caption for crop in crops))
    rows = [captions.index(crop.caption) for crop in crops]
    cond = model.encode_prompts([*captions, ""])
    if config.text_encoder_lora:
        cond = replace(cond, texts=(*captions, ""))
    return LatentCache(
        latents=latents,
        loss_weights=_loss_weights(crops, latents, class_weight),
        photo_index=torch.tensor([crop.photo for crop in crops], device=latents.device),
        caption_index=torch.tensor(rows, device=latents.device),
        cond=cond,
        add_time_ids=None if cond.pooled_prompt_embeds is None else _time_ids(crops, latents),
    )


def training_crops(
    instances: Sequence[Instance], config: TrainConfig, *, size: int, generator: torch.Generator
) -> list[Crop]:
    """Draw crops (size, size) of all photos, each followed by its mirror image if asked for."""
    if not instances:
        raise InvalidInput("There is no photo to train on.")
    each = max(config.crops_per_photo, math.ceil(LEAST_CROPS / len(instances)))
    crops = [
        _crop(photo, instance, config, size=size, generator=generator)
        for photo, instance in enumerate(instances)
        for _ in range(each)
    ]
    if not config.random_flip:
        return crops
    return [either for crop in crops for either in (crop, crop.mirrored())]


def _crop(
    photo: int,
    instance: Instance,
    config: TrainConfig,
    *,
    size: int,
    generator: torch.Generator,
) -> Crop:
    source = instance.pixels.shape[0]
    matrix = random_crop(instance.face, source=source, size=size, generator=generator)
    return Crop(
        photo,
        warp(instance.pixels, matrix, (size, size), fill=PLAIN, interpolation="cubic"),
        warp_mask(_weights(instance, config), matrix, (size, size)),
        instance.caption,
        source,
        _cut_off(matrix, source, size),
    )


def _cut_off(matrix: Matrix, source: int, size: int) -> tuple[float, float, float]:
    """Measure what of a picture (source, source) lies above, left and right of a crop of it.

    The tilt is left out of account: the crop is taken as upright around its own middle.
    """
    scale = scale_of(matrix)
    middle = np.linalg.solve(matrix[:, :2], (size - 1) / 2 - matrix[:, 2])
    left, top = (float(value) * scale - (size - 1) / 2 for value in middle)
    right = (source - 1) * scale - left - (size - 1)
    top, left, right = (max(0.0, float(round(value))) for value in (top, left, right))
    return top, left, right


def _time_ids(crops: Sequence[Crop], latents: Tensor) -> Tensor:
    ids = [crop.time_ids for crop in crops]
    return torch.tensor(ids, dtype=torch.float32, device=latents.device)


def _weights(instance: Instance, config: TrainConfig) -> NDArray[np.float32]:
    """Weigh an instance's pixels: nothing beyond the photo, the face more than the rest."""
    area = instance.person if config.mask_background else np.ones_like(instance.person)
    return instance.valid * area * (1 + (config.face_weight - 1) * instance.face_mask)


def _whole(image: ClassImage) -> Crop:
    side = float(len(image.pixels))
    weights = np.ones(image.pixels.shape[:2], np.float32)
    return Crop(NO_PHOTO, image.pixels, weights, image.caption, side, (0.0, 0.0, 0.0))


def _loss_weights(crops: Sequence[Crop], latents: Tensor, class_weight: float) -> Tensor:
    """Average the pixels' weights over every latent's area and scale each crop's mean to 1, or to
    class_weight where it is a class image."""
    stacked = torch.from_numpy(np.stack([crop.weights for crop in crops]))[:, None]
    height, width = latents.shape[-2:]
    small = adaptive_avg_pool2d(stacked, (height, width))
    means = small.mean(dim=(1, 2, 3), keepdim=True).clamp_min(1e-6)
    wanted = [class_weight if crop.photo == NO_PHOTO else 1.0 for crop in crops]
    return (small / means * torch.tensor(wanted).view(-1, 1, 1, 1)).to(latents.device)


def encode(model: DiffusionModel, pictures: Sequence[Pixels], generator: torch.Generator) -> Tensor:
    """Encode pictures of one size at once, or fewer at a time where memory runs out."""
    state = generator.get_state()
    try:
        return _encode_at_once(model, pictures, generator)
    except torch.cuda.OutOfMemoryError as error:
        half = len(pictures) // 2
        if not half:
            raise
        logger.warning("%s pictures are encoded at a time: %s", half, error)
    generator.set_state(state)
    return torch.cat(
        [encode(model, part, generator) for part in (pictures[:half], pictures[half:])]
    )


def _encode_at_once(
    model: DiffusionModel, pictures: Sequence[Pixels], generator: torch.Generator
) -> Tensor:
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    latents = model.encode_images(pixels.to(model.device).float() / 127.5 - 1, generator)
    # The pixels' layout would else live on in the latents, and change how later sums are rounded.
    return latents.float().contiguous()


def _batches(crops: Sequence[Crop]) -> Iterator[Sequence[Crop]]:
    return (crops[at : at + _BATCH] for at in range(0, len(crops), _BATCH))


def training_side(model: DiffusionModel, config: TrainConfig) -> int:
    """Return the side of training pictures; raises InvalidInput for one that no model takes."""
    side = model.resolution if config.resolution is None else config.resolution
    if side % _SIDE_MULTIPLE:
        raise InvalidInput(f"resolution must be a multiple of {_SIDE_MULTIPLE}, not {side}.")
    return side
