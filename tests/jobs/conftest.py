"""A host that is watched, and jobs that do what a test tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from facechain_ext.base.events import Event
from facechain_ext.jobs.queue import Jobs
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio
from tests.jobs.told import TOLD


class WatchedHost(DiffusersHost):
    """Notes when jobs begin and end, and what it heard of their progress."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, device="cpu")
        self.told: list[str] = []
        self.heard: list[Event] = []

    @contextmanager
    def job(self, title: str) -> Iterator[None]:
        with super().job(title):
            self.told.append(f"begin {title}")
            try:
                yield
            finally:
                self.told.append(f"end {title}")

    def progress(self, event: Event) -> None:
        self.heard.append(event)


@pytest.fixture
def host(tmp_path: Path) -> WatchedHost:
    return WatchedHost(tmp_path)


@pytest.fixture
def another(host: WatchedHost) -> Iterator[Callable[[], Jobs]]:
    """Make the jobs of one more process over the same data folder."""
    made: list[Jobs] = []

    def make() -> Jobs:
        studio = Studio(WatchedHost(host.paths.data_dir), FaceNets())
        made.append(Jobs(studio, program=f"program {len(made) + 1}", kinds=TOLD))
        return made[-1]

    yield make
    for jobs in made:
        jobs.close()


@pytest.fixture
def jobs(host: WatchedHost) -> Iterator[Jobs]:
    jobs = Jobs(Studio(host, FaceNets()), kinds=TOLD)
    yield jobs
    jobs.close()
