"""A training is drawn from its events alone, live and afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facechain_ext.base.errors import Cancelled, FaceChainError
from facechain_ext.base.events import Event, Preview, Stage, Step, TrainingFinished
from facechain_ext.base.records import LoraFile
from facechain_ext.jobs.queue import Job, Jobs
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio
from facechain_ext.ui.page import training_view
from facechain_ext.ui.page.progress import Progress
from facechain_ext.ui.page.training_log import TrainingLog
from facechain_ext.ui.page.wording import count, duration, listed, run_time
from tests.jobs.told import TOLD, submit
from tests.ui.conftest import done

GRAY = np.full((64, 64, 3), 90, np.uint8)


def step(number: int, loss: float = 0.2) -> Step:
    return Step(number, 4, loss, 1e-3, 2.5, 90.0)


EVENTS: list[Event] = [
    Stage("prepare", 3),
    Stage("cache", 3),
    Stage("train", 4),
    step(1, 0.3),
    step(2, 0.2),
    Preview(2, (GRAY, GRAY), (0.5, None)),
    step(3),
    step(4, 0.1),
    Preview(4, (GRAY, GRAY), (0.6, 0.4)),
]
FINISHED = TrainingFinished(LoraFile(Path("ana-1.safetensors"), "fcsks", ""), (4,), 0.5, {"t": 61})


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(Studio(DiffusersHost(tmp_path, device="cpu"), FaceNets()), kinds=TOLD)


def job_of(jobs: Jobs, events: list[Event]) -> Job:
    return done(submit(jobs, "Training Ana", lambda: iter(events), kind="train", person="Ana"))


def test_a_log_gathers_what_the_events_say() -> None:
    log = TrainingLog.of(EVENTS)
    assert log.losses == [(1, 0.3), (2, 0.2), (3, 0.2), (4, 0.1)]
    assert [preview.step for preview in log.previews] == [2, 4]
    assert (log.total_steps, log.kept_steps) == (4, ())
    log.add(FINISHED)
    assert log.kept_steps == (4,)


def test_what_a_resumed_training_does_again_is_shown_once() -> None:
    """After a crash at step 4 it goes on from the state at step 1."""
    again = [
        step(2, 0.25),
        Preview(2, (GRAY,), (0.7,)),
        step(3),
        step(4),
        Preview(4, (GRAY,), (0.8,)),
    ]
    log = TrainingLog.of([*EVENTS, Stage("train", 4), *again])
    assert [number for number, _ in log.losses] == [1, 2, 3, 4]
    assert log.losses[1] == (2, 0.25)
    assert [preview.similarities for preview in log.previews] == [(0.7,), (0.8,)]
    log = TrainingLog.of([*EVENTS, Preview(4, (GRAY,), (0.8,))])
    assert [preview.step for preview in log.previews] == [2, 4]


def test_a_finished_training_tells_how_to_use_the_lora(jobs: Jobs) -> None:
    job = job_of(jobs, [*EVENTS, FINISHED])
    html = training_view.progress(job, TrainingLog.of(job.events))
    assert 'aria-valuenow="100"' in html
    assert "Likeness 0.50, from step 4." in html
    assert "&lt;lora:ana-1:1&gt;" in html
    assert "took 1 min" in html


def test_a_failed_one_says_why(jobs: Jobs) -> None:
    def work() -> list[Event]:
        raise FaceChainError("The <disk> is full.")

    job = done(submit(jobs, "Training Ana", work, kind="train", person="Ana"))  # type: ignore[arg-type]
    html = training_view.progress(job, TrainingLog.of(job.events))
    assert "fc-is-failed" in html
    assert 'role="alert">The &lt;disk&gt; is full.' in html


def test_only_a_running_one_has_time_left(jobs: Jobs) -> None:
    told = []

    def work() -> Iterator[Event]:
        yield from EVENTS[:5]
        [job] = jobs.all()
        told.append(training_view.progress(job, TrainingLog.of(job.events)))
        raise Cancelled("The training was stopped.")

    job = done(submit(jobs, "Training Ana", work, kind="train", person="Ana"))
    assert "about 2 min left" in told[0]
    stopped = training_view.progress(job, TrainingLog.of(job.events))
    assert "Step 2 of 4" in stopped
    assert "left" not in stopped


def test_curves_show_both_losses_and_likeness() -> None:
    html = training_view.curves(TrainingLog.of(EVENTS))
    assert "Loss, from 0.3000 at first to 0.1000 after 4 steps." in html
    assert "Likeness by steps: 0.25 after 2, 0.50 after 4." in html
    assert training_view.curves(TrainingLog()) == ""


def test_samples_come_newest_first_with_their_likeness() -> None:
    html = training_view.samples(TrainingLog.of([*EVENTS, FINISHED]))
    assert html.index("Step 4") < html.index("Step 2")
    assert html.count("<img ") == 4
    assert html.count("no face") == 1
    assert html.count('class="fc-badge fc-good">kept') == 1


@pytest.mark.parametrize(
    ("kept", "told"),
    [(0.62, True), (0.63, False), (0.5, False)],  # a little lower, the best itself, chosen "last"
)
def test_the_tie_rule_stands_beside_a_snapshot_that_another_beats(kept: float, told: bool) -> None:
    previews = [Preview(2, (GRAY,), (0.63,)), Preview(4, (GRAY,), (kept,))]
    log = TrainingLog.of([*previews, replace(FINISHED, steps=(4,))])
    assert ("The latest of those within 0.05 of the best" in training_view.samples(log)) is told


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (42, "42 s"), (61, "1 min"), (3599, "1 h 00 min"), (5400, "1 h 30 min")],
)
def test_times_are_said_the_way_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_words() -> None:
    assert count(1, "photo") == "1 photo"
    assert count(2, "photo") == "2 photos"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert run_time("20261125-222522") == "25 Nov 2026, 22:25:22 UTC"
    assert run_time("old") == "old"


def test_a_bar_without_a_share_moves() -> None:
    html = Progress("Fetching", "running", None, "").draw()
    assert "fc-moving" in html
    assert "aria-valuenow" not in html
