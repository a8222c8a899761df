"""What AUTOMATIC1111's webui and Forge have in common as hosts: all but lending the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any

from facechain_ext.base.controls import Depth
from facechain_ext.base.errors import Cancelled
from facechain_ext.base.events import Event
from facechain_ext.base.host import (
    CheckpointRef,
    DiffusionModel,
    GeneratedImage,
    GenerationRequest,
    HostPaths,
    StepCallback,
    Unavailable,
)
from facechain_ext.base.records import LoraFile, Pixels
from facechain_ext.base.repainting import RepaintRequest
from facechain_ext.webui.host import (
    depth,
    drawing,
    face_restoring,
    loras,
    saving,
    tagging,
    upscaling,
)
from facechain_ext.webui.host.checkpoints import (
    known_checkpoints,
    selected_checkpoint,
    with_defaults,
)
from facechain_ext.webui.host.guarded import guarded
from facechain_ext.webui.host.host_queue import HostQueue
from facechain_ext.webui.host.job_state import JobState
from facechain_ext.webui.host.live_preview import LivePreview
from facechain_ext.webui.host.paths import host_paths
from facechain_ext.webui.host.repainting import Repainting
from facechain_ext.webui.host.total_bar import total_bar


class WebuiHost:
    """A webui with A1111's modules; a subclass lends the model and says where processing runs."""

    def __init__(self) -> None:
        self.queue = HostQueue()
        self.state = JobState()
        self._worker: int | None = None
        self._live: LivePreview | None = None

    @property
    def paths(self) -> HostPaths:
        return host_paths()

    def checkpoints(self) -> list[CheckpointRef]:
        return known_checkpoints()

    def current_checkpoint(self) -> CheckpointRef:
        """Return the checkpoint that this job was lent, else the selected one.

        To anybody but the job the selected one: the next job would be lent that. Raises
        ModelUnavailable when there is none.
        """
        lent = self._lent()
        ours = self._worker in (None, get_ident())
        return lent if lent is not None and ours else selected_checkpoint()

    def _lent(self) -> CheckpointRef | None:
        """Return the checkpoint that a job keeps to, once it was lent one."""
        return None

    @property
    def _in_job(self) -> bool:
        return self._worker is not None

    @contextmanager
    def job(self, title: str) -> Iterator[None]:
        self._worker = get_ident()
        try:
            with self.state.job(title):
                yield
        finally:
            self._worker = None

    def borrow_model(self, *, for_training: bool) -> AbstractContextManager[DiffusionModel]:
        raise NotImplementedError

    def others_waiting(self) -> bool:
        return self.queue.others_waiting()

    def generate(
        self, request: GenerationRequest, on_step: StepCallback | None = None
    ) -> Iterator[GeneratedImage]:
        """Draw a few pictures at a time; others have their turn in between.

        A part that was broken off is left out. Raises Cancelled, InvalidInput, OutOfMemory.
        """
        if request.controls:
            guarded(self._teach_controls)()
        request = with_defaults(request, selected_checkpoint().path)
        passes = 2 if request.hires_scale > 1 else 1  # the webui doubles the total itself
        yield from self._drawn(request, on_step, passes=passes, steps=request.steps * passes)

    def repaint(
        self, request: RepaintRequest, on_step: StepCallback | None = None
    ) -> Iterator[GeneratedImage]:
        """Paint as `generate` draws, by the webui's img2img; raises what that raises."""
        work = Repainting.on(request, selected_checkpoint())
        drawn = self._drawn(work.drawing, on_step, steps=work.steps, described=work.describe)
        yield from map(work.finished, drawn)

    def _teach_controls(self) -> None:
        """Make the mini's ControlNet known to what loads ControlNets here."""
        raise NotImplementedError

    def _drawn(
        self,
        request: GenerationRequest,
        on_step: StepCallback | None,
        *,
        steps: int,
        passes: int = 1,
        described: drawing.Describe | None = None,
    ) -> Iterator[GeneratedImage]:
        """Draw a request whose defaults are filled in; steps: that a picture takes."""
        parts = drawing.batches(request)
        for number, part in enumerate(parts):
            with self._turn(done=number * passes, total=len(parts)):
                self._stop_if_cancelled()
                told = drawing.steps_told(on_step, done=number * len(parts[0].seeds))
                bar = total_bar(done=number * steps, total=len(parts) * steps)
                with told, bar, self._previewed():
                    images = drawing.draw(part, self._call, described)
                whole = not self.state.broken_off()
            if whole:
                yield from images
            self._stop_if_cancelled()

    @contextmanager
    def _previewed(self) -> Iterator[None]:
        self._live = LivePreview()
        try:
            yield
        finally:
            self._live = None

    def preview(self) -> Pixels | None:
        pixels: Pixels | None = self._live.pixels() if self._live is not None else None
        return pixels

    def upscale(self, pixels: Pixels, size: int) -> Pixels | Unavailable:
        with self._turn():
            return upscaling.upscale(pixels, size, self.paths.models_dir)

    def restore_face(self, pixels: Pixels) -> Pixels | Unavailable:
        with self._turn():
            return face_restoring.restore(pixels)

    def tag(self, pixels: Pixels) -> list[str] | Unavailable:
        with self._turn():
            return tagging.tag(pixels)

    def read_depth(self, pixels: Pixels) -> Depth | Unavailable:
        with self._turn():
            return depth.read(pixels, self.paths.models_dir)

    def publish_lora(self, lora: LoraFile) -> None:
        loras.publish(lora.name)

    def save_image(self, pixels: Pixels, infotext: str, folder: Path, stem: str) -> Path:
        return saving.save(pixels, infotext, folder, stem)

    def progress(self, event: Event) -> None:
        self.state.show(event)

    def cancel(self) -> None:
        self.state.cancel()

    def cancelled(self) -> bool:
        return self.state.cancelled()

    def _call(self, function: Callable[[Any], Any], argument: Any, /) -> Any:
        """Run processing where this webui wants it to run."""
        return function(argument)

    @contextmanager
    def _turn(self, *, done: int = 0, total: int = 1, skip_stops: bool = False) -> Iterator[None]:
        """Take our turn in the webui's queue, and its state with it."""
        shown = self.state.shown(done=done, total=total, skip_stops=skip_stops)
        with self.queue.turn(), shown:
            yield

    def _stop_if_cancelled(self) -> None:
        if self.cancelled():
            raise Cancelled("Stopped while drawing.")
