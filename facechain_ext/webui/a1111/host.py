"""AUTOMATIC1111's webui as a host: it lends the very model that it has loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from facechain_ext.base.host import CheckpointRef
from facechain_ext.diffusion.ldm_model import LdmModel
from facechain_ext.webui.a1111.checkpoint import Checkpoint, loaded, moving_waits, wake
from facechain_ext.webui.a1111.lending import lent
from facechain_ext.webui.host.checkpoints import reference, selected_checkpoint
from facechain_ext.webui.host.webui_host import WebuiHost


class A1111Host(WebuiHost):
    """Trains in place: what is lent is the webui's own model, without a second copy."""

    def __init__(self) -> None:
        super().__init__()
        self._checkpoint: Checkpoint | None = None
        self._in_job = False
        self._worker: int | None = None

    def current_checkpoint(self) -> CheckpointRef:
        """Return the checkpoint that this job was lent, else the selected one.

        To anybody but the job the selected one: the next job would be lent that.
        """
        if self._checkpoint is None or self._worker not in (None, get_ident()):
            return selected_checkpoint()
        return reference(self._checkpoint)

    @contextmanager
    def job(self, title: str) -> Iterator[None]:
        """Keep to one checkpoint until the job ends, whatever the user selects meanwhile."""
        self._in_job, self._worker = True, get_ident()
        try:
            with super().job(title):
                yield
        finally:
            self._in_job, self._checkpoint, self._worker = False, None, None

    @contextmanager
    def borrow_model(self, *, for_training: bool) -> Iterator[LdmModel]:
        """Lend the loaded model while the queue is ours.

        In a job it is the same checkpoint every time: another one that the user has loaded in
        between makes way for it, and comes back afterwards. Raises ModelUnavailable when its file
        is gone, UnsupportedCheckpoint, and InvalidInput for settings that no training works with.
        """
        with (
            self._turn(skip_stops=True),
            moving_waits(self.queue),
            loaded(self._checkpoint) as model,
            lent(model, for_training=for_training) as lendable,
        ):
            if self._in_job:
                self._checkpoint = model.sd_checkpoint_info
            yield lendable

    def _call(self, function: Callable[[Any], Any], argument: Any, /) -> Any:
        wake()
        return function(argument)
