"""A batch in parts: memory for one part at a time, the gradients of the whole."""

from __future__ import annotations

import torch
from torch import Tensor

from facechain_ext.training.batches import Batch
from facechain_ext.training.loss_scale import LossScale
from facechain_ext.training.stepper import LossFunction


def accumulated(
    loss: LossFunction, micro_batch: int, scale: LossScale | None = None
) -> LossFunction:
    """Compute the losses of a batch's pictures in parts of at most micro_batch.

    All parts but the last run the backward of their share in the mean here and leave their
    gradients behind; the last is left to the caller. scale: the stepper's own.
    """

    def in_parts(batch: Batch) -> Tensor:
        *parts, last = batch.split(micro_batch)
        done: list[Tensor] = []
        for part in parts:
            losses = loss(part)
            share = losses.sum() / len(batch)
            (share if scale is None else scale.scaled(share)).backward()  # type: ignore[no-untyped-call]
            done.append(losses.detach())
        return torch.cat([*done, loss(last)])

    return in_parts
