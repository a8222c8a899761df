"""A checkpoint read from its file once more, for training beside Forge's own model."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from facechain_ext.base.host import CheckpointRef
from facechain_ext.diffusion.diffusers_model import DiffusersModel, load_model
from facechain_ext.webui.forge import backend

logger = logging.getLogger(__name__)


class CheckpointCopy:
    """A copy of a checkpoint that waits in main memory while it is not in use."""

    def __init__(self, checkpoint: CheckpointRef) -> None:
        self.checkpoint = checkpoint
        self._model: DiffusersModel | None = None

    @contextmanager
    def on_device(self) -> Iterator[DiffusersModel]:
        """Put the copy on Forge's device, where Forge makes room; take it off again.

        It is read from the file at its first use. Raises UnsupportedCheckpoint.
        """
        device = backend.device()
        backend.make_room()
        if self._model is None:
            logger.info("Reading a copy of %s for training", self.checkpoint.path.name)
            self._model = load_model(
                self.checkpoint.path, device=device, clip_skip=backend.clip_skip()
            )
        move(self._model, device)
        try:
            yield self._model
        finally:
            move(self._model, torch.device("cpu"))
            backend.tidy()


def move(model: DiffusersModel, device: torch.device) -> None:
    """Move every part that has weights."""
    for part in vars(model).values():
        if isinstance(part, nn.Module):
            part.to(device)
