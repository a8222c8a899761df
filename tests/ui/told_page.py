"""The page as a program of its own, with trainings that do what a test tells them.

    python -m tests.ui.told_page PORT FOLDER

GET /told/begin, /told/step_on, /told/sample, /told/end tell the training of Ana; /told/cut ends the
streams that are open.
"""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from facechain_ext.base.events import Event, Preview, Stage, Step
from facechain_ext.jobs.queue import Jobs
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.server import serve
from tests.jobs.told import TOLD, submit

STEPS = 100
CUT = 0.6
"""Seconds, enough for every stream to look up."""


class Director:
    """An ASGI app that hands on what a test says."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.events: queue.Queue[Event | None] = queue.Queue()
        self.step, self.cut_until = 0, 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        getattr(self, scope["path"].rsplit("/", 1)[1])()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def begin(self) -> None:
        self.step = 0
        submit(self.jobs, "Training Ana", self._training, person="Ana")

    def _training(self) -> Iterator[Event]:
        yield Stage("train")
        while (event := self.events.get(timeout=300)) is not None:
            yield event

    def step_on(self) -> None:
        self.step += 1
        self.events.put(Step(self.step, STEPS, 1 / self.step, 1e-3, 2.0, 9.0))

    def sample(self) -> None:
        picture = np.full((48, 48, 3), 40 + self.step, np.uint8)
        self.events.put(Preview(self.step, (picture, picture), (0.4, 0.5)))

    def end(self) -> None:
        self.events.put(None)

    def cut(self) -> None:
        self.cut_until = time.monotonic() + CUT

    def is_cutting(self) -> bool:
        return time.monotonic() < self.cut_until


def beside(services: Services, ending: Callable[[], bool]) -> dict[str, Any]:
    """Return the API as `facechain ui` has it, and the director."""
    from facechain_ext.api.app import MOUNT, make_app
    from facechain_ext.api.auth import Open
    from facechain_ext.api.services import ApiServices
    from facechain_ext.ui.live import LivePage

    director = Director(services.jobs)
    api = ApiServices(
        services.studio,
        services.jobs,
        Open(),
        local_only=True,
        page=LivePage(services),
        ending=lambda: ending() or director.is_cutting(),
    )
    return {"/told": director, MOUNT: make_app(api)}


def main(port: int, folder: Path) -> None:
    """Show the page of a library with one person until interrupted."""
    studio = Studio(DiffusersHost(folder, device="cpu"), FaceNets())
    studio.library.create_or_get("Ana", "fcsks")
    jobs = Jobs(studio, kinds=TOLD)
    jobs.start()
    services = Services(studio, jobs)
    serve(services, port=port, open_browser=False, beside=partial(beside, services))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
