"""A training killed at any moment, in the middle of a write too, ends as if it had not been."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from skimage.data import astronaut

from facechain_ext.base.events import Step
from facechain_ext.base.records import Photo
from facechain_ext.config import PrepareConfig
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import MINI, DiffusersHost
from facechain_ext.studio.studio import Studio
from tests.studio.killed import processes, train, train_here

pytestmark = [pytest.mark.slow(20), pytest.mark.model, pytest.mark.timeout(1500)]


class Trainings:
    """Starts trainings of one library in processes of their own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.studio = Studio(DiffusersHost(data_dir, device="cpu"), FaceNets())

    def start(self, *how: object) -> tuple[BaseProcess, Connection]:
        context = processes()
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=train_here, args=(sender, self.data_dir, *how))
        process.start()
        sender.close()
        return process, receiver

    def run(self, what: str, kill_at: str = "", number: int = 0) -> list[int]:
        """Return the steps that were told."""
        process, receiver = self.start(what, kill_at, number)
        told = list(steps(receiver))
        process.join()
        assert (process.exitcode == 0) == (kill_at == "")
        return told

    def kill_after(self, what: str, step: int) -> None:
        """Kill from outside, in the middle of whatever follows a step."""
        process, receiver = self.start(what, "", 0)
        for told in steps(receiver):
            if told >= step:
                time.sleep(0.05)
                process.kill()
                break
        process.join()
        assert process.exitcode != 0

    def resumable_from(self) -> int:
        found = self.studio.resumable("Ana")
        assert found is not None
        return found.step


def steps(receiver: Connection) -> Iterator[int]:
    """Give what a process tells until it ends, however it does."""
    with suppress(EOFError):
        while True:
            yield receiver.recv()


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


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
    told: list[int] = []
    train(unbroken.data_dir, "train", told.append)  # in this process: its hashes differ from theirs
    assert told == [1, 2, 3, 4, 5, 6]
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
    assert one.similarity is not None
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
