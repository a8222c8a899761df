"""A studio on the tiny model that draws prepared pictures, and a page over it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facechain_ext.base.host import GeneratedImage, GenerationRequest, StepCallback
from facechain_ext.base.records import Pixels
from facechain_ext.config import PrepareConfig, TrainConfig
from facechain_ext.jobs.queue import Job, Jobs
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio
from facechain_ext.ui.page.services import Services
from facechain_ext.ui.people.desk import PeopleDesk
from tests.jobs.told import TOLD
from tests.quick import two_step_samples

SECONDS = 120


@pytest.fixture(autouse=True)
def closed_loops(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the event loops that gradio makes for every page and leaves open."""
    made: list[asyncio.AbstractEventLoop] = []
    new = asyncio.new_event_loop

    def remembered() -> asyncio.AbstractEventLoop:
        made.append(new())
        return made[-1]

    monkeypatch.setattr(asyncio, "new_event_loop", remembered)
    yield
    for loop in made:
        loop.close()


TRAIN = TrainConfig(
    max_train_steps=2, train_batch_size=1, snapshot_every=1, samples_per_snapshot=1, rank=2
)


class PicturesHost(DiffusersHost):
    """Trains the tiny model for real, and draws her face for every other seed."""

    def generate(
        self, request: GenerationRequest, on_step: StepCallback | None = None
    ) -> Iterator[GeneratedImage]:
        her = np.ascontiguousarray(astronaut()[:300, 60:360])
        for number, seed in enumerate(request.seeds):
            pixels = np.full_like(her, 128) if number % 2 else her
            yield GeneratedImage(pixels, seed, f"{request.prompt}\nSteps: 2, Seed: {seed}")


@pytest.fixture(scope="session")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture
def services(tmp_path: Path, small_folder: Path, nets: FaceNets, quick_samples: None) -> Services:
    host = PicturesHost(tmp_path / "data", small_folder, device="cpu")
    studio = Studio(host, nets)
    return Services(studio, Jobs(studio, kinds=TOLD))


@pytest.fixture
def desk(services: Services) -> PeopleDesk:
    return PeopleDesk(services)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """One good photo, one without a face, one that is no picture."""
    return three_photos(tmp_path)


def three_photos(tmp_path: Path) -> list[Path]:
    good, blank, broken = (tmp_path / name for name in ("her.jpg", "wall.jpg", "broken.jpg"))
    save(good, astronaut())
    save(blank, np.full((192, 192, 3), 128, np.uint8))
    broken.write_bytes(b"not a picture")
    return [good, blank, broken]


def save(path: Path, pixels: Pixels) -> None:
    Image.fromarray(pixels).save(path, quality=95)


def done(job: Job) -> Job:
    """Wait for a job and return it."""
    for _ in job.follow():
        pass
    return job


@pytest.fixture
def just_trained(desk: PeopleDesk, photos: list[Path]) -> PeopleDesk:
    """A desk that has trained Ana, and still has the job."""
    job = done(desk.train("Ana", photos, True, PrepareConfig(), TRAIN))
    assert job.error is None
    return desk


@pytest.fixture(scope="session")
def trained_library(
    tmp_path_factory: pytest.TempPathFactory, small_folder: Path, nets: FaceNets
) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    host = PicturesHost(folder / "data", small_folder, device="cpu")
    studio = Studio(host, nets)
    desk = PeopleDesk(Services(studio, Jobs(studio, kinds=TOLD)))
    with two_step_samples():
        job = done(desk.train("Ana", three_photos(folder), True, PrepareConfig(), TRAIN))
    assert job.error is None
    desk.services.jobs.close()
    shutil.rmtree(host.paths.jobs_dir)
    return folder / "data"


@pytest.fixture
def trained(desk: PeopleDesk, trained_library: Path) -> PeopleDesk:
    """A desk over a library in which Ana has been trained before the program began."""
    data_dir = desk.services.studio.host.paths.data_dir
    shutil.copytree(trained_library, data_dir, dirs_exist_ok=True)
    return desk
