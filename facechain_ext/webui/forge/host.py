"""Forge as a host: it draws on its main thread, and lends a copy of the checkpoint's file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from facechain_ext.base.host import CheckpointRef
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.webui.forge import backend
from facechain_ext.webui.forge.copy import CheckpointCopy
from facechain_ext.webui.forge.thread import on_main_thread
from facechain_ext.webui.host.checkpoints import selected_checkpoint
from facechain_ext.webui.host.webui_host import WebuiHost


class ForgeHost(WebuiHost):
    """Forge keeps its weights as inference tensors, perhaps quantised: nothing trains in them."""

    def __init__(self) -> None:
        super().__init__()
        self._copy: CheckpointCopy | None = None

    def _lent(self) -> CheckpointRef | None:
        return None if self._copy is None else self._copy.checkpoint

    @contextmanager
    def job(self, title: str) -> Iterator[None]:
        """Keep what is lent until the job ends: its slices go on with the same copy."""
        try:
            with super().job(title):
                yield
        finally:
            self._copy = None

    @contextmanager
    def borrow_model(self, *, for_training: bool) -> Iterator[DiffusersModel]:
        """Lend a copy of the checkpoint, on Forge's device, with Forge's own models off it.

        The queue is ours meanwhile: not for the weights' sake, which are nobody else's, but for the
        memory's. Raises UnsupportedCheckpoint.
        """
        with self._turn(skip_stops=True):
            if self._copy is None:
                self._copy = CheckpointCopy(selected_checkpoint())
            try:
                with self._copy.on_device() as model:
                    yield model
            finally:
                if not self._in_job:
                    self._copy = None

    def _teach_controls(self) -> None:
        from facechain_ext.webui.forge.mini_control import teach_forge

        teach_forge()

    def _call(self, function: Callable[[Any], Any], argument: Any, /) -> Any:
        backend.prepare_to_draw()
        return on_main_thread(function, argument)
