"""An API to send anything to: all of it is real, but what jobs do takes no time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facechain_ext.api.auth import Open
from facechain_ext.api.services import ApiServices
from facechain_ext.base.errors import NoUsablePhotos
from facechain_ext.base.events import (
    Candidate,
    Drawing,
    Event,
    PhotoPrepared,
    PortraitsFinished,
    Preview,
    Stage,
    Step,
    TrainingFinished,
)
from facechain_ext.base.records import (
    LoraFile,
    Portrait,
    PreparedPhoto,
    Reason,
    Rejection,
    Score,
    Verdict,
)
from facechain_ext.config import ApiConfig, JobsConfig
from facechain_ext.jobs.queue import Jobs
from facechain_ext.jobs.work import Attempt
from facechain_ext.jobs.works import Check, Enrol, MakePortraits, Resume, Train
from facechain_ext.library.people import Run
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio
from tools.fuzz.subjects import sound_library

GREY = np.full((8, 8, 3), 128, np.uint8)
LORA = "ana.safetensors"


@contextmanager
def service(folder: Path, checkpoint: Path) -> Iterator[ApiServices]:
    """Give an API over a library of two people, one of them trained, in an empty folder."""
    studio = Studio(DiffusersHost(folder, checkpoint, device="cpu"), FaceNets())
    paths = studio.host.paths
    sound_library(paths.people_dir)
    paths.lora_dir.mkdir(parents=True, exist_ok=True)
    (paths.lora_dir / LORA).write_bytes(b"weights")
    run = Run("20260101-000000", LORA, "", "tiny", 0.5, (4,), "fcsks", alias="ana")
    studio.library.get("Ana").add_run(run)
    jobs = Jobs(studio, lambda: JobsConfig(keep_jobs=60, most_queued=40), kinds=QUICK)
    jobs.start()
    config = ApiConfig(requests_per_minute=0, max_upload_mb=1)
    # Streams end when nothing goes on.
    yield ApiServices(studio, jobs, Open(), config, ending=lambda: not jobs.active())
    jobs.close()


@dataclass(frozen=True)
class QuickCheck(Check):
    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        return judging(self.photos)


@dataclass(frozen=True)
class QuickEnrol(Enrol):
    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        yield from judging(self.photos)
        raise NoUsablePhotos("None of the photos can be used.")


@dataclass(frozen=True)
class QuickTraining(Train):
    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        return training(studio)


@dataclass(frozen=True)
class QuickResume(Resume):
    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        return training(studio)


@dataclass(frozen=True)
class QuickPortraits(MakePortraits):
    def run(self, studio: Studio, attempt: Attempt) -> Iterator[Event]:
        yield Stage("generate", 3)
        attempt.tell(Drawing(1, 3, 1, 2, GREY))
        yield Candidate(1, 3)
        yield PortraitsFinished(
            (portrait(0.9),), (portrait(0.5),), (portrait(None, Rejection.NO_FACE),), {"all": 0.1}
        )


def judging(photos: Sequence[Path]) -> Iterator[Event]:
    verdict = Verdict(False, Reason.NO_FACE, "No face was found.")
    for number, photo in enumerate(photos, 1):
        yield PhotoPrepared(PreparedPhoto(photo.name, verdict), number, len(photos))


def training(studio: Studio) -> Iterator[Event]:
    yield Stage("train", 2)
    yield Step(1, 2, 0.5, 1e-4, 1.0, 1.0)
    yield Preview(1, (GREY, GREY), (0.5, None))
    yield Step(2, 2, float("nan"), 1e-4, 1.0, 0.0)
    lora = LoraFile(studio.host.paths.lora_dir / LORA, "fcsks", "abc", 1.0, "ana")
    yield TrainingFinished(lora, (1,), 0.25, {"train": 0.1})


def portrait(likeness: float | None, rejection: Rejection | None = None) -> Portrait:
    return Portrait(GREY, Score(likeness, rejection), 7, "a face\nSeed: 7")


QUICK: Mapping[str, Any] = {
    "check": lambda person, photos, facts: QuickCheck(photos=photos),
    "enrol": lambda person, photos, facts: QuickEnrol(person, photos),
    "train": lambda person, photos, facts: QuickTraining(person),
    "resume": lambda person, photos, facts: QuickResume(person),
    "portraits": lambda person, photos, facts: QuickPortraits(person),
}
