"""A batch in parts: memory for one part at a time, the gradients of the whole."""

from __future__ import annotations

from torch import Tensor

from facechain_ext.training.batches import Batch
from facechain_ext.training.loss_scale import LossScale
from facechain_ext.training.stepper import LossFunction


def accumulated(
    loss: LossFunction, micro_batch: int, scale: LossScale | None = None
) -> LossFunction:
    """Compute a loss, which must be a mean over its batch, in parts of at most micro_batch.

    All parts but the last run their backward here and leave their gradients behind; the last is
    left to the caller, together with the value of the whole. scale: the stepper's own.
    """

    def in_parts(batch: Batch) -> Tensor:
        *parts, last = batch.split(micro_batch)
        done: Tensor | None = None
        for part in parts:
            share = loss(part) * (len(part) / len(batch))
            (share if scale is None else scale.scaled(share)).backward()  # type: ignore[no-untyped-call]
            done = share.detach() if done is None else done + share.detach()
        rest = loss(last) * (len(last) / len(batch))
        return rest if done is None else rest + done

    return in_parts
