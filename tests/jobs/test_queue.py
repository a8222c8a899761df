"""Jobs run one at a time, keep their events, stop when asked and survive what goes wrong."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from facechain_ext.base.errors import Cancelled, FaceChainError, InvalidInput
from facechain_ext.base.events import Candidate, Drawing, Event, Stage
from facechain_ext.config import JobsConfig
from facechain_ext.jobs import queue
from facechain_ext.jobs.keeper import Keeper
from facechain_ext.jobs.queue import SHOWN_JOBS, Job, Jobs, JobState
from facechain_ext.jobs.record import JobRecord
from facechain_ext.jobs.store import JobStore
from facechain_ext.nets import FaceNets
from facechain_ext.studio.studio import Studio
from tests.jobs.conftest import WatchedHost
from tests.jobs.told import TOLD, submit

SECONDS = 120


def three() -> Iterator[Event]:
    yield from (Candidate(done, 3) for done in (1, 2, 3))


def followed(job: Job, after: int = 0) -> list[Event]:
    return list(job.follow(after))


class Gate:
    """Work that tells when it has begun and waits until it is let on."""

    def __init__(self, host: WatchedHost) -> None:
        self.host = host
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self) -> Iterator[Event]:
        yield Stage("wait")
        self.begun.set()
        assert self.open.wait(SECONDS)
        if self.host.cancelled():
            raise Cancelled("Stopped at step 1.")
        yield Stage("go")


def test_a_job_is_followed_to_its_end(jobs: Jobs, host: WatchedHost) -> None:
    job = submit(jobs, "Draw", three, kind="portraits", person="Ana")
    assert followed(job) == list(three()) == list(job.events) == host.heard
    assert (job.state, job.error, job.kind, job.person) == (
        JobState.SUCCEEDED,
        None,
        "portraits",
        "Ana",
    )
    assert host.told == ["begin Draw", "end Draw"]


def test_two_followers_see_everything_and_a_late_one_what_it_lacks(jobs: Jobs) -> None:
    job = submit(jobs, "Draw", three)
    assert followed(job) == followed(job)
    assert followed(job, after=2) == [Candidate(3, 3)]
    assert followed(job, after=3) == []


def test_one_job_at_a_time_in_the_order_they_came(jobs: Jobs, host: WatchedHost) -> None:
    gate = Gate(host)
    first, second = submit(jobs, "One", gate), submit(jobs, "Two", three)
    assert gate.begun.wait(SECONDS)
    assert (first.state, second.state) == (JobState.RUNNING, JobState.QUEUED)
    gate.open.set()
    followed(second)
    assert host.told == ["begin One", "end One", "begin Two", "end Two"]


def test_work_begins_again_after_a_pause(jobs: Jobs) -> None:
    for _ in range(3):
        job = submit(jobs, "Draw", three)
        followed(job)
        assert job.state is JobState.SUCCEEDED


def test_cancelling_a_running_job_asks_the_host(jobs: Jobs, host: WatchedHost) -> None:
    gate = Gate(host)
    job = submit(jobs, "Train", gate)
    assert gate.begun.wait(SECONDS)
    job.cancel()
    gate.open.set()
    assert followed(job) == [Stage("wait")]
    assert job.state is JobState.CANCELED
    assert str(job.error) == "Stopped at step 1."


def test_a_job_cancelled_in_the_queue_never_begins(jobs: Jobs, host: WatchedHost) -> None:
    gate = Gate(host)
    first, second = submit(jobs, "One", gate), submit(jobs, "Two", three)
    second.cancel()
    assert second.state is JobState.CANCELED
    assert followed(second) == []
    gate.open.set()
    followed(first)
    followed(submit(jobs, "Three", three))
    assert "begin Two" not in host.told
    assert first.state is JobState.SUCCEEDED


def test_an_earlier_cancel_does_not_stop_the_next_job(jobs: Jobs, host: WatchedHost) -> None:
    host.cancel()
    gate = Gate(host)
    gate.open.set()
    job = submit(jobs, "Train", gate)
    followed(job)
    assert job.state is JobState.SUCCEEDED


def test_a_job_that_is_over_stays_as_it_was(jobs: Jobs, host: WatchedHost) -> None:
    job = submit(jobs, "Draw", three)
    followed(job)
    job.cancel()
    assert job.state is JobState.SUCCEEDED
    assert not host.cancelled()


def test_a_failure_is_told_and_the_next_job_runs(jobs: Jobs) -> None:
    def failing() -> Iterator[Event]:
        yield Stage("prepare")
        raise InvalidInput("size must be between 1 and 2.")

    job = submit(jobs, "Train", failing)
    assert followed(job) == [Stage("prepare")]
    assert job.state is JobState.FAILED
    assert str(job.error) == "size must be between 1 and 2."
    assert followed(submit(jobs, "Draw", three))


@pytest.mark.parametrize("kind", [Cancelled, InvalidInput, RuntimeError])
def test_a_job_that_is_kept_does_not_keep_what_it_worked_with(
    jobs: Jobs, caplog: pytest.LogCaptureFixture, kind: type[Exception]
) -> None:
    caplog.set_level(logging.CRITICAL + 1, "facechain_ext.jobs")  # pytest would keep the traceback
    models = []

    def work() -> Iterator[Event]:
        model = threading.Event()
        models.append(weakref.ref(model))
        yield Stage("prepare")
        try:
            raise MemoryError(model)
        except MemoryError as cause:
            raise kind("enough") from cause

    job = submit(jobs, "fails", work)
    followed(job)
    followed(submit(jobs, "next", three))
    gc.collect()
    assert job.error is not None
    assert models[0]() is None


def test_an_unexpected_error_is_logged_and_told(
    jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Iterator[Event]:
        yield Stage("prepare")
        raise KeyError("box")

    job = submit(jobs, "Train", broken)
    with caplog.at_level(logging.ERROR):
        followed(job)
    assert job.state is JobState.FAILED
    assert isinstance(job.error, FaceChainError)
    assert "KeyError: 'box'" in str(job.error)
    assert any(record.exc_info for record in caplog.records)


def test_waiting_gives_up_after_its_time(jobs: Jobs, host: WatchedHost) -> None:
    gate = Gate(host)
    job = submit(jobs, "Train", gate)
    assert gate.begun.wait(SECONDS)
    assert job.wait(after=1, timeout=0.01) == ()
    gate.open.set()
    assert followed(job, after=1) == [Stage("go")]


def test_the_running_job_is_found_before_a_queued_one(jobs: Jobs, host: WatchedHost) -> None:
    gate = Gate(host)
    running, queued = (
        submit(jobs, "One", gate, kind="train"),
        submit(jobs, "Two", three, kind="train"),
    )
    assert gate.begun.wait(SECONDS)
    assert jobs.latest("train") is running
    gate.open.set()
    followed(queued)
    assert jobs.latest("train") is queued
    assert jobs.latest("portraits") is None
    assert jobs.get(running.id) is running


def test_all_jobs_are_read_at_once_and_not_again_until_something_changes(
    jobs: Jobs, host: WatchedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(host)
    waiting = [submit(jobs, f"{n}", gate if n == 0 else three, person="Ana") for n in range(4)]
    assert gate.begun.wait(SECONDS)
    asked: list[str] = []
    one, many = jobs.books.jobs.record, jobs.books.jobs.records
    monkeypatch.setattr(JobStore, "record", lambda _, job: asked.append(job) or one(job))
    monkeypatch.setattr(JobStore, "records", lambda _, **how: asked.append("all") or many(**how))
    for _ in range(5):
        assert [job.person for job in jobs.active()] == ["Ana"] * 4
        assert [job.state.over for job in jobs.all()] == [False] * 4
    assert asked.count("all") <= 5 + 3, "those that are over, and the active ones again at a change"
    assert not set(asked) - {"all"}
    waiting[3].cancel()
    assert [job.id for job in jobs.active()] == [job.id for job in waiting[:3]]
    assert jobs.all()[-1].state is JobState.CANCELED
    gate.open.set()


def test_a_job_that_ends_while_all_are_read_is_among_them_once(
    jobs: Jobs, host: WatchedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, read = Gate(host), JobStore.records
    job = submit(jobs, "Draw", gate)
    assert gate.begun.wait(SECONDS)

    def records(store: JobStore, **asked: Any) -> list[JobRecord]:
        found = read(store, **asked)
        gate.open.set()
        assert followed(job)
        return found

    monkeypatch.setattr(JobStore, "records", records)
    assert jobs.all() == [job]
    assert job.state is JobState.SUCCEEDED


def test_the_latest_jobs_are_shown_and_as_many_kept_as_is_wanted(host: WatchedHost) -> None:
    config = JobsConfig(keep_jobs=SHOWN_JOBS + 3)
    jobs = Jobs(Studio(host, FaceNets()), lambda: config, kinds=TOLD)
    made = []
    for _ in range(SHOWN_JOBS + 5):
        made.append(submit(jobs, "Draw", three))
        followed(made[-1])
    jobs.close()
    assert jobs.all() == made[-SHOWN_JOBS:]
    assert [job.id for job in made if jobs.get(job.id) is None] == [made[0].id, made[1].id]


def test_what_passes_is_shown_until_the_next_event(jobs: Jobs) -> None:
    seen: list[object] = []

    def work() -> Iterator[Event]:
        job = jobs.running
        assert job is not None
        job.show(Drawing(1, 3, 2, 9))
        seen.append(job.passing)
        yield Candidate(1, 3)
        seen.append(job.passing)

    job = submit(jobs, "a", work)
    assert followed(job) == [Candidate(1, 3)]
    assert seen == [Drawing(1, 3, 2, 9), None]


def test_what_the_system_refuses_is_told_in_its_words(jobs: Jobs) -> None:
    def work() -> Iterator[Event]:
        yield Stage("train")
        raise OSError(28, "No space left on device", "state.safetensors")

    job = submit(jobs, "a", work)
    followed(job)
    assert (job.state, str(job.error)) == (
        JobState.FAILED,
        "The disk is full: state.safetensors.",
    )


def test_all_that_is_active_is_stopped_in_an_order_in_which_nothing_begins(
    jobs: Jobs, host: WatchedHost
) -> None:
    begun = threading.Event()

    def work() -> Iterator[Event]:
        begun.set()
        yield Stage("train")
        while not host.cancelled():
            pass
        raise Cancelled("Stopped.")

    three_jobs = [submit(jobs, title, work) for title in "abc"]
    assert begun.wait(SECONDS)
    assert jobs.active() == three_jobs
    jobs.stop_all()
    for job in three_jobs:
        followed(job)
    assert [job.state for job in three_jobs] == [JobState.CANCELED] * 3
    assert host.told == ["begin a", "end a"]
    assert jobs.active() == []


def test_a_job_that_comes_while_others_are_looked_at_is_not_overlooked(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_yet(store: JobStore, job_id: str) -> None:
        jobs._mine.add("new")

    jobs._mine.add("gone")
    with monkeypatch.context() as patched:
        patched.setattr(JobStore, "record", none_yet)
        jobs._pause()
    assert jobs._mine == {"new"}
    jobs._mine.clear()


def test_a_fault_beside_a_job_does_not_end_the_queue(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [RuntimeError("a fault of the program")]

    def tidy(_: Keeper) -> None:
        if faults:
            raise faults.pop()

    monkeypatch.setattr(queue, "LOOK", 0.01)
    monkeypatch.setattr(Keeper, "tidy", tidy)
    for _ in range(2):
        with caplog.at_level(logging.ERROR):
            assert followed(submit(jobs, "Draw", three)) == list(three())
    assert "a fault of the program" in caplog.text


def test_a_job_whose_end_could_not_be_written_down_is_not_left_running(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    end, fails = Job.end, [InvalidInput("The disk is full.")]

    def full(job: Job, *how: object) -> None:
        if fails:
            raise fails.pop()
        end(job, *how)  # type: ignore[arg-type]

    monkeypatch.setattr(queue, "LOOK", 0.01)
    monkeypatch.setattr(Job, "end", full)
    job = submit(jobs, "Draw", three)
    assert followed(job)
    assert (job.state, job.record.attempts) == (JobState.SUCCEEDED, 2)


def test_a_server_does_not_keep_the_pictures_of_all_it_has_drawn(jobs: Jobs) -> None:
    for _ in range(SHOWN_JOBS + 5):
        followed(submit(jobs, "Draw", three))
    jobs.close()
    assert len(jobs._known) <= SHOWN_JOBS
