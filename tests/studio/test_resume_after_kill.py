"""A training killed at any moment, in the middle of a write too, ends as if it had not been."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from skimage.data import astronaut

from facechain_ext.base.events import Step
from facechain_ext.base.records import Photo
from facechain_ext.config import PrepareConfig
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import MINI, DiffusersHost
from facechain_ext.studio.studio import Studio

pytestmark = [pytest.mark.slow, pytest.mark.model, pytest.mark.timeout(1500)]

PROGRAM = """
import os, signal, sys
from itertools import count
from pathlib import Path
from facechain_ext.config import TrainConfig
from facechain_ext.base.events import Step
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio

data_dir, what, kill_at, number = Path(sys.argv[1]), *sys.argv[2:]
fsync, writes = os.fsync, count(1)

def die():
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

def write_half_and_die(descriptor):
    if kill_at == "write" and next(writes) == int(number):
        os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
        die()
    fsync(descriptor)

os.fsync = write_half_and_die
config = TrainConfig(
    max_train_steps=6, train_batch_size=2, rank=2, snapshot_every=3, samples_per_snapshot=1,
    target_modules="attention", state_every=2, lr_warmup_steps=1,
)
studio = Studio(DiffusersHost(data_dir, device="cpu"), FaceNets())
for event in studio.resume("Ana") if what == "resume" else studio.train("Ana", config):
    if isinstance(event, Step):
        print(event.step, flush=True)
        if kill_at == "step" and event.step == int(number):
            die()
"""


class Trainings:
    """Starts trainings of one library as programs of their own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.studio = Studio(DiffusersHost(data_dir, device="cpu"), FaceNets())

    def start(self, what: str, kill_at: str = "never", number: int = 0) -> subprocess.Popen[str]:
        root = str(Path(__file__).parents[2])
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.data_dir), what, kill_at, str(number)],
            env={**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, what: str, kill_at: str = "never", number: int = 0) -> list[int]:
        """Return the steps that were told."""
        process = self.start(what, kill_at, number)
        told, _ = process.communicate()
        assert (process.returncode == 0) == (kill_at == "never")
        return [int(line) for line in told.split()]

    def kill_after(self, what: str, step: int) -> None:
        """Kill from outside, in the middle of whatever follows a step."""
        process = self.start(what)
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= step:
                time.sleep(0.05)
                process.kill()
                break
        process.communicate()
        assert process.returncode != 0

    def resumable_from(self) -> int:
        found = self.studio.resumable("Ana")
        assert found is not None
        return found.step


@pytest.fixture
def enrolled(tmp_path: Path) -> Path:
    if not MINI.is_file():
        pytest.skip("the mini checkpoint is not in this checkout")
    studio = Studio(DiffusersHost(tmp_path / "broken é", device="cpu"), FaceNets())
    list(studio.enrol("Ana", [Photo("her.jpg", astronaut())], PrepareConfig()))
    shutil.copytree(tmp_path / "broken é", tmp_path / "unbroken")
    return tmp_path


def test_killed_again_and_again_it_ends_as_an_unbroken_one(enrolled: Path) -> None:
    unbroken, broken = Trainings(enrolled / "unbroken"), Trainings(enrolled / "broken é")
    assert unbroken.run("train") == [1, 2, 3, 4, 5, 6]
    assert broken.run("train", "step", 1) == [1]
    assert broken.resumable_from() == 0
    # Writes of a resumed training: the events, then the next state.
    assert broken.run("resume", "write", 2) == [1, 2]
    assert broken.resumable_from() == 0
    assert broken.run("resume", "step", 3) == [1, 2, 3]
    assert broken.resumable_from() == 2
    # Now the second is the snapshot after step 3.
    assert broken.run("resume", "write", 2) == [3]
    broken.kill_after("resume", 4)
    assert broken.resumable_from() in (2, 4)
    broken.run("resume")

    (one,), (other,) = (
        trainings.studio.library.get("Ana").manifest.runs for trainings in (unbroken, broken)
    )
    assert other.lora_sha256 == one.lora_sha256
    assert (other.similarity, other.steps) == (one.similarity, one.steps)
    folder = broken.studio.library.get("Ana").run_folders[-1]
    assert list(folder.rglob("*.tmp")) == []
    histories = [trainings.studio.history("Ana") for trainings in (unbroken, broken)]
    losses = [
        [(event.step, event.loss) for event in history.events if isinstance(event, Step)]
        for history in histories
        if history is not None
    ]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 6
