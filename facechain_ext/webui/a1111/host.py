"""AUTOMATIC1111's webui as a host: it lends the very model that it has loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from facechain_ext.base.host import CheckpointRef
from facechain_ext.diffusion.ldm_model import LdmModel
from facechain_ext.webui.a1111.checkpoint import Checkpoint, loaded, moving_waits, wake
from facechain_ext.webui.a1111.lending import lent
from facechain_ext.webui.host.checkpoints import reference
from facechain_ext.webui.host.webui_host import WebuiHost


class A1111Host(WebuiHost):
    """Trains in place: what is lent is the webui's own model, without a second copy."""

    def __init__(self) -> None:
        super().__init__()
        self._checkpoint: Checkpoint | None = None

    def _lent(self) -> CheckpointRef | None:
        return None if self._checkpoint is None else reference(self._checkpoint)

    @contextmanager
    def job(self, title: str) -> Iterator[None]:
        """Keep to one checkpoint until the job ends, whatever the user selects meanwhile."""
        try:
            with super().job(title):
                yield
        finally:
            self._checkpoint = None

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

    def _teach_controls(self) -> None:
        from facechain_ext.webui.a1111.mini_control import teach_extension

        teach_extension()

    def _call(self, function: Callable[[Any], Any], argument: Any, /) -> Any:
        wake()
        return function(argument)
