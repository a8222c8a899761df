"""Our job as the webui shows it: title, progress, live preview, and its Interrupt button."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
from modules import progress, shared
from PIL import Image

from facechain_ext.base.events import CheckpointSaved, Event, Preview, Stage, Step
from facechain_ext.base.records import Pixels
from facechain_ext.webui.host import stop_buttons
from facechain_ext.webui.host.guarded import guarded


class JobState:
    """One job of ours; it has the webui's state only while it has the webui's queue."""

    def __init__(self) -> None:
        stop_buttons.guard()
        self._title = ""
        self._stage = ""
        self._shown = False
        self._skip_stops = False
        self._cancelled = False

    @contextmanager
    def job(self, title: str) -> Iterator[None]:
        """Name the job that runs until the block is left; forgets an earlier cancel."""
        self._title, self._stage, self._cancelled = title, "", False
        try:
            yield
        finally:
            self._title = ""

    @contextmanager
    def shown(self, *, done: int = 0, total: int = 1, skip_stops: bool = False) -> Iterator[None]:
        """Take the webui's state over, with `done` of `total` parts of the job behind us.

        To be used while the queue is ours: whoever had it before left their own state there,
        an interrupt included. skip_stops: of work that has no parts to skip.

        It is a task of its own meanwhile: while no task is set, the webui takes whoever asks for
        the progress of none, without a login, for the one at work, and hands them the picture.
        """
        if self._shown:
            yield
            return
        shared.state.begin(job=self._title or "FaceChain")
        progress.current_task = stop_buttons.new_task()
        shared.state.job_no, shared.state.job_count = done, total
        shared.state.sampling_steps = 0
        shared.state.textinfo = self._stage
        self._shown, self._skip_stops = True, skip_stops
        try:
            with nullcontext() if previews_are_private() else pictures_kept_out():
                yield
        finally:
            self._notice()
            self._shown = False
            shared.state.current_image = shared.state.current_latent = None
            progress.current_task = None
            shared.state.end()
            # It forgets no press of a button, and not everybody's job begins by doing so.
            shared.state.interrupted = shared.state.skipped = False
            shared.state.stopping_generation = False

    def cancel(self) -> None:
        """Ask our job to stop; somebody else's that is running now is left alone."""
        self._cancelled = True
        if self._shown:
            shared.state.interrupted = True

    def cancelled(self) -> bool:
        self._notice()
        return self._cancelled

    def skipped(self) -> bool:
        """Tell whether the user skipped what is being drawn."""
        return bool(self._shown and shared.state.skipped)

    def broken_off(self) -> bool:
        """Tell whether what was being drawn came out half done; a stop may let it end."""
        return self.skipped() or bool(self._shown and shared.state.interrupted)

    @guarded
    def show(self, event: Event) -> None:
        """Tell the webui's progress bar and preview what our job has come to."""
        if isinstance(event, Stage):
            self._stage = event.name
        if not self._shown:
            return
        state = shared.state
        # Whoever had the queue before us may have cleared these after we took it.
        state.job = self._title or "FaceChain"
        if isinstance(event, Stage):
            state.textinfo = event.name
        elif isinstance(event, Step):
            state.job_count, state.job_no = 1, 0
            state.sampling_step, state.sampling_steps = event.step, event.total
            state.time_start = began(event)
            state.textinfo = f"step {event.step} of {event.total}, loss {event.loss:.4f}"
        elif isinstance(event, CheckpointSaved):
            state.textinfo = f"saved step {event.step}"
        elif isinstance(event, Preview) and event.images and previews_wanted():
            state.assign_current_image(side_by_side(event.images))

    def _notice(self) -> None:
        state = shared.state
        stopped = state.interrupted or state.stopping_generation
        if self._shown and (stopped or (self._skip_stops and state.skipped)):
            self._cancelled = True


def previews_wanted() -> bool:
    return bool(getattr(shared.opts, "live_previews_enable", True))


def previews_are_private() -> bool:
    """Whether the webui's API, which hands out the picture at work, is closed or has a login.

    It is open with --api, and with --nowebui, which is the API alone.
    """
    flags = shared.cmd_opts
    is_served = getattr(flags, "api", False) or getattr(flags, "nowebui", False)
    return not is_served or bool(getattr(flags, "api_auth", None))


@contextmanager
def pictures_kept_out() -> Iterator[None]:
    """Let nothing put a picture into the webui's state until the block is left."""
    methods = ("do_set_current_image", "assign_current_image")
    for method in methods:
        setattr(shared.state, method, lambda *_: None)
    try:
        yield
    finally:
        for method in methods:
            delattr(shared.state, method)


def began(step: Step) -> float:
    """Return when a training would have begun that always went as fast as now.

    The webui tells the time left by what has passed and the share that is done; the time that
    others had between our slices, and what came before the first step, must not count.
    """
    left = step.total - step.step
    return time.time() - (step.eta_seconds * step.step / left if left else 0.0)


def side_by_side(images: tuple[Pixels, ...]) -> Image.Image:
    """Join pictures of one size into a row."""
    return Image.fromarray(np.concatenate(images, axis=1))
