"""Jobs outlive the process that queued them: in their order, each done once, none forgotten."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facechain_ext.base.errors import (
    Busy,
    Cancelled,
    Conflict,
    InvalidInput,
    LibraryTooNew,
    TooMany,
)
from facechain_ext.base.events import (
    Candidate,
    CheckpointSaved,
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
from facechain_ext.config import (
    JobsConfig,
    PortraitConfig,
    PrepareConfig,
    TrainConfig,
    TrainStyleConfig,
)
from facechain_ext.jobs.kinds import KINDS
from facechain_ext.jobs.queue import Job, Jobs, JobState
from facechain_ext.jobs.record import JobRecord
from facechain_ext.jobs.store import Submission, new_id
from facechain_ext.jobs.style_work import KeepLook, TrainStyle
from facechain_ext.jobs.template_work import MakeTemplate
from facechain_ext.jobs.work import Attempt
from facechain_ext.jobs.works import Check, Enrol, MakePortraits, Resume, Train
from facechain_ext.nets import FaceNets
from facechain_ext.studio.studio import Studio
from tests.client.conftest import wait_until
from tests.jobs.conftest import WatchedHost
from tests.jobs.told import TOLD, Told, submit, work

SECONDS = 120
Another = Callable[[], Jobs]


def nothing() -> Iterator[Event]:
    yield Stage("done")


def left_by_a_process(jobs: Jobs, *titles: str, worker: str = "", owner: str = "") -> list[str]:
    """Queue jobs that nobody carries out: the process was killed."""
    told = [work(title, nothing) for title in titles]
    return [jobs._submit(one, owner, "", 0, worker).id for one in told]


def ended(jobs: Jobs, *ids: str) -> list[JobState]:
    for job_id in ids:
        job = jobs.get(job_id)
        assert job is not None
        list(job.follow())
    return [job.state for job_id in ids if (job := jobs.get(job_id))]


def test_what_waited_is_done_by_the_next_process_in_its_order(jobs: Jobs, another: Another) -> None:
    ids = left_by_a_process(jobs, "a", "b", "c")
    later = another()
    later.start()
    assert ended(later, *ids) == [JobState.SUCCEEDED] * 3
    host = later.studio.host
    assert isinstance(host, WatchedHost)
    assert host.told == [f"{what} {title}" for title in "abc" for what in ("begin", "end")]


def test_what_was_at_work_when_a_process_died_is_begun_again_first(
    jobs: Jobs, another: Another
) -> None:
    ids = left_by_a_process(jobs, "a", "b")
    taken = jobs.books.jobs.take_next("dead")
    assert taken is not None
    jobs.books.events.add(taken.number, "stage", {"name": "half", "total": None})
    later = another()
    later.start()
    assert ended(later, *ids) == [JobState.SUCCEEDED] * 2
    again = later.get(ids[0])
    assert again is not None
    assert (again.record.attempts, again.events) == (2, (Stage("done"),))
    states = [e.data["state"] for e in later.books.events.after(0, job=ids[0]) if e.type == "state"]
    assert states == ["queued", "starting", "queued", "starting", "running", "succeeded"]


def test_a_second_try_knows_when_the_first_began(jobs: Jobs, another: Another) -> None:
    tries: list[float | None] = []

    def look(attempt: Attempt) -> Iterator[Event]:
        tries.append(attempt.since)
        yield Stage("done")

    job_id = jobs._submit(work("a", look, takes_attempt=True), "", "", 0, "").id
    before = time.time()
    assert jobs.books.jobs.take_next("dead") is not None
    later = another()
    later.start()
    ended(later, job_id)
    job_id = jobs._submit(work("b", look, takes_attempt=True), "", "", 0, "").id
    ended(later, job_id)
    assert len(tries) == 2
    assert tries[0] is not None
    assert before <= tries[0] <= time.time()
    assert tries[1] is None


def test_what_goes_on_shows_what_was_shown_before_it_broke_off(
    jobs: Jobs, another: Another
) -> None:
    first, second = (Step(n, 2, 0.5, 1e-4, 3.0, 2.0) for n in (1, 2))
    asked = work("a", lambda: iter([second]), goes_on=True)
    job_id = jobs._submit(asked, "", "", 0, "").id
    taken = jobs.books.jobs.take_next("dead")
    written = jobs.books.codec(job_id).encode(first)
    assert taken is not None
    assert written is not None
    jobs.books.events.add(taken.number, *written)
    later = another()
    later.start()
    # Not by following it, which would have the earlier events read.
    wait_until(lambda: later.books.jobs.records()[0].state is JobState.SUCCEEDED)
    [job] = later.all()
    assert job.events == (first, second)


def test_what_was_to_be_stopped_is_not_begun_again(jobs: Jobs, another: Another) -> None:
    [job_id] = left_by_a_process(jobs, "a")
    jobs.books.jobs.take_next("dead")
    jobs.books.jobs.cancel(job_id)
    later = another()
    later.start()
    assert ended(later, job_id) == [JobState.CANCELED]


def test_a_command_that_died_is_told_as_failed(jobs: Jobs, another: Another) -> None:
    [job_id] = left_by_a_process(jobs, "a", worker="dead")
    jobs.books.jobs.take_next("dead")
    later = another()
    later.start()
    assert ended(later, job_id) == [JobState.FAILED]
    job = later.get(job_id)
    assert job is not None
    assert str(job.error) == "The program ended before this was done."


def test_owners_take_turns(jobs: Jobs) -> None:
    many = left_by_a_process(jobs, "1", "2", "3", owner="many")
    [one] = left_by_a_process(jobs, "1", owner="one")
    assert list(jobs.books.jobs.positions()) == [many[0], one, *many[1:]]
    jobs.books.jobs.take_next("")
    [two] = left_by_a_process(jobs, "1", owner="two")
    assert list(jobs.books.jobs.positions()) == [one, two, *many[1:]]


def test_priority_counts_among_ones_own(jobs: Jobs) -> None:
    low = jobs._submit(work("low", nothing), "a", "", 0, "").id
    high = jobs._submit(work("high", nothing), "a", "", 5, "").id
    other = jobs._submit(work("other", nothing), "b", "", 0, "").id
    assert list(jobs.books.jobs.positions()) == [high, other, low]


def test_the_same_id_asks_for_the_same_job(jobs: Jobs, tmp_path: Path) -> None:
    photo = tmp_path / "é.jpg"
    Image.new("RGB", (9, 9)).save(photo)
    asked = Check(photos=(photo,))
    first = jobs.submit(asked, owner="a", client_id="mine")
    assert jobs.submit(asked, owner="a", client_id="mine").id == first.id
    assert jobs.submit(asked, owner="b", client_id="mine").id != first.id
    with pytest.raises(Conflict, match="'mine' is there"):
        jobs.submit(Check(photos=(photo, photo)), owner="a", client_id="mine")
    Image.new("RGB", (8, 8)).save(photo)
    with pytest.raises(Conflict):
        jobs.submit(asked, owner="a", client_id="mine")
    list(first.follow())
    folders = {folder.name for folder in jobs.books.files.root.iterdir()}
    assert len(folders) == 2


def test_more_than_are_wanted_are_refused(host: WatchedHost) -> None:
    config = JobsConfig(most_queued=2)
    jobs = Jobs(Studio(host, FaceNets()), lambda: config, kinds=TOLD)
    left_by_a_process(jobs, "a", "b", owner="a")
    with pytest.raises(TooMany):
        left_by_a_process(jobs, "c", owner="a")
    assert left_by_a_process(jobs, "c", owner="b")


def test_photos_are_the_jobs_own_until_it_is_over(jobs: Jobs, tmp_path: Path) -> None:
    photo, seen = tmp_path / "Ä b.jpg", list[str]()
    photo.write_bytes(b"first")
    told = work("a", lambda attempt: [], takes_attempt=True)

    def look() -> Iterator[Event]:
        [upload] = jobs.books.files.uploads(job.id)
        seen.extend([upload.name, upload.read_text()])
        yield Stage("done")

    begun = threading.Event()

    def wait() -> Iterator[Event]:
        assert begun.wait(SECONDS)
        yield from look()

    told = work("a", wait)
    job = jobs.submit(Told(told.title, told.number, photos=(photo,)))
    photo.unlink()
    begun.set()
    list(job.follow())
    jobs.close()
    assert seen == ["Ä b.jpg", "first"]
    assert [path for path in job.folder.rglob("*") if path.is_file()] == []


def test_a_photo_that_is_gone_is_told_and_nothing_is_queued(jobs: Jobs, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"gone\.jpg cannot be read"):
        jobs.submit(Enrol("Ana", (tmp_path / "gone.jpg",)))
    assert jobs.all() == []
    assert list(jobs.books.files.root.iterdir()) == []


PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def events_of_every_kind(host: WatchedHost) -> list[Event]:
    lora = LoraFile(host.paths.lora_dir / "sub" / "ana.safetensors", "fcsks", "ab", 1.0, "Ana")
    portraits = [
        Portrait(PIXELS, Score(0.5), 7, "x\nSeed: 7", fusion_note="less"),
        Portrait(PIXELS, Score(None, Rejection.NO_FACE), 8, "y"),
    ]
    no_face = Verdict(False, Reason.NO_FACE, "No face.")
    return [
        Stage("prepare", 2),
        PhotoPrepared(PreparedPhoto("a.jpg", Verdict(True, None, "Good.")), 1, 2),
        PhotoPrepared(PreparedPhoto("b.jpg", no_face), 2, 2),
        Step(1, 4, 0.5, 1e-4, 3.0, 2.0),
        Preview(1, (PIXELS, PIXELS), (0.5, None)),
        CheckpointSaved(1, Path("step-1")),
        TrainingFinished(lora, (1,), 0.5, {"train": 2.0}),
        Candidate(1, 2),
        PortraitsFinished(
            (portraits[0],),
            (),
            (portraits[1],),
            {"draw": 1.0},
            ("a note",),
            saved=(host.paths.output_dir / "ana" / "01-7.png",),
        ),
    ]


def plain(event: Event) -> str:
    """Write an event out, arrays and all."""
    with np.printoptions(threshold=10**6):
        return repr(event)


def test_events_are_read_back_as_they_were(jobs: Jobs, host: WatchedHost, another: Another) -> None:
    shown = events_of_every_kind(host)
    job = submit(jobs, "a", lambda: iter(shown))
    list(job.follow())
    later = another().get(job.id)
    assert later is not None
    assert later.state is JobState.SUCCEEDED
    kept = [plain(e) for e in later.events if not isinstance(e, CheckpointSaved)]
    assert kept == [plain(e) for e in shown if not isinstance(e, CheckpointSaved)]
    stored = jobs.books.events.after(0, job=job.id)
    assert [event.id for event in stored] == sorted({event.id for event in stored})
    told = json.dumps([event.data for event in stored])
    assert str(host.paths.data_dir) not in told  # no path of this machine
    assert all((job.folder / name).is_file() for e in stored for name in e.data.get("pictures", ()))


def test_one_program_does_the_work_of_both(jobs: Jobs, another: Another) -> None:
    server = another()
    server.start()
    first = submit(server, "first", nothing)
    list(first.follow())
    assert jobs.holder().startswith("program 1 (process ")
    assert server.holder() == ""
    assert list(jobs.run_here(work("beside", nothing))) == [Stage("done")]
    assert isinstance(server.studio.host, WatchedHost)
    assert "begin beside" in server.studio.host.told


def test_what_went_wrong_in_the_other_program_is_raised_here(jobs: Jobs, another: Another) -> None:
    def failing() -> Iterator[Event]:
        yield Stage("prepare")
        raise Busy("The model is in use.")

    server = another()
    server.start()
    list(submit(server, "first", nothing).follow())
    with pytest.raises(Busy, match="The model is in use"):
        list(jobs.run_here(work("beside", failing)))


def test_another_program_can_stop_it(jobs: Jobs, host: WatchedHost, another: Another) -> None:
    begun = threading.Event()

    def work_on(attempt: Attempt) -> Iterator[Event]:
        yield Stage("train")
        begun.set()
        for step in range(1, 10**6):
            attempt.tell(Drawing(1, 1, step, 10**6))
            if host.cancelled():
                raise Cancelled("Stopped.")
            time.sleep(0.001)

    job = jobs.submit(work("a", work_on, takes_attempt=True))
    assert begun.wait(SECONDS)
    seen = another().get(job.id)
    assert seen is not None
    seen.cancel()
    list(job.follow())
    assert job.state is JobState.CANCELED
    assert seen.state is JobState.CANCELED


def test_a_command_carries_its_own_work_out(jobs: Jobs, host: WatchedHost) -> None:
    left = left_by_a_process(jobs, "waits")
    assert list(jobs.run_here(work("mine", nothing))) == [Stage("done")]
    assert host.told == ["begin mine", "end mine"]
    assert [job.state for job in jobs.all()] == [JobState.QUEUED, JobState.SUCCEEDED]
    assert [job.id for job in jobs.active()] == left


def test_a_command_that_is_interrupted_says_so(jobs: Jobs) -> None:
    def interrupted() -> Iterator[Event]:
        yield Stage("train")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(jobs.run_here(work("mine", interrupted)))
    assert [job.state for job in jobs.all()] == [JobState.CANCELED]


def test_a_person_goes_with_their_jobs(jobs: Jobs) -> None:
    jobs.studio.library.create_or_get("Ana", "fcsks")
    shown = Preview(1, (PIXELS,), (0.5,))
    job = submit(jobs, "Training Ana", lambda: iter([shown]), person="ana")
    list(job.follow())
    other = submit(jobs, "Training Eva", nothing, person="Eva")
    list(other.follow())
    assert [*job.folder.iterdir()]
    jobs.delete_person("Ana")
    assert jobs.get(job.id) is None
    assert not job.folder.exists()
    assert jobs.get(other.id) is not None
    assert b"Ana" not in jobs.books.database.path.read_bytes()


def test_who_was_painted_in_beside_somebody_goes_with_that_job(jobs: Jobs) -> None:
    for name in ("Ana", "Ben", "Cy"):
        jobs.studio.library.create_or_get(name, "fcsks")
    works = [
        MakeTemplate("Ana", (), {1: "Ana", 2: "Ben"}),
        MakeTemplate("Ana", (), {1: "Ana"}, further=({1: "ben"},)),
        MakeTemplate("Ana", (), {}, words="a pair", who=("Ana", "Ben")),
        MakeTemplate("Ana", (), {1: "Ana", 2: "Cy"}),
    ]
    records = [_over(jobs, work) for work in works]
    jobs.delete_person("Ben")
    assert [jobs.get(record.id) is None for record in records] == [True, True, True, False]
    assert b"Ben" not in jobs.books.database.path.read_bytes()
    jobs.books.jobs.add(Submission("template", "Ana", "a", works[3].facts()), "x", most_queued=9)
    with pytest.raises(Busy):
        jobs.delete_person("Cy")


def _over(jobs: Jobs, work: MakeTemplate) -> JobRecord:
    told = Submission(work.kind, work.person, work.title, work.facts())
    record = jobs.books.jobs.add(told, new_id(), most_queued=9)
    Job(jobs.books, record).cancel()
    return record


def test_nobody_is_deleted_while_a_job_of_theirs_waits(jobs: Jobs) -> None:
    jobs.studio.library.create_or_get("Ana", "fcsks")
    jobs._submit(work("a", nothing, person="Ana"), "", "", 0, "")
    with pytest.raises(Busy):
        jobs.delete_person("Ana")
    assert jobs.studio.library.get("Ana")


def test_a_deletion_that_a_crash_cut_short_is_done_to_the_end(
    jobs: Jobs, another: Another, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.studio.library.create_or_get("Ana", "fcsks")
    job = submit(jobs, "a", nothing, person="Ana")
    list(job.follow())
    jobs.close()
    with monkeypatch.context() as patched, pytest.raises(OSError, match="cut off"):
        patched.setattr(type(jobs.books.files), "remove", _cut_off)
        jobs.delete_person("Ana")
    assert jobs.get(job.id) is not None
    list(submit(another(), "b", nothing).follow())
    assert jobs.get(job.id) is None


def _cut_off(*_: object) -> None:
    raise OSError("cut off")


def test_renamed_people_keep_their_jobs(jobs: Jobs) -> None:
    job = submit(jobs, "a", nothing, person="Ana")
    list(job.follow())
    jobs.renamed("Ana", "Eva")
    [record] = jobs.books.jobs.records(person="eva")
    assert (record.id, record.person) == (job.id, "Eva")


def test_old_jobs_go(host: WatchedHost) -> None:
    config = JobsConfig(keep_days=0.01)
    jobs = Jobs(Studio(host, FaceNets()), lambda: config, kinds=TOLD)
    first = submit(jobs, "a", nothing)
    list(first.follow())
    with jobs.books.database.writing() as connection:
        connection.execute("UPDATE jobs SET finished = finished - 10000")
    list(submit(jobs, "b", nothing).follow())
    jobs.close()
    assert [job.title for job in jobs.all()] == ["b"]
    assert not first.folder.exists()


def test_books_of_a_newer_version_are_left_alone(jobs: Jobs, another: Another) -> None:
    list(submit(jobs, "a", nothing).follow())
    jobs.close()
    with sqlite3.connect(jobs.books.database.path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    before = jobs.books.database.path.read_bytes()
    with pytest.raises(LibraryTooNew, match="newer version"):
        another().all()
    assert jobs.books.database.path.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="a user's folder keeps others out there")
def test_the_books_are_for_their_user_alone(jobs: Jobs) -> None:
    list(submit(jobs, "a", nothing).follow())
    files = [*jobs.books.database.folder.glob("jobs.sqlite3*")]
    assert {file.name for file in files} >= {"jobs.sqlite3", "jobs.sqlite3-wal"}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_books_that_are_damaged_are_told(jobs: Jobs) -> None:
    jobs.books.database.folder.mkdir(parents=True)
    jobs.books.database.path.write_bytes(b"no database at all, but long enough for one" * 50)
    with pytest.raises(InvalidInput, match=r"jobs\.sqlite3 cannot be used"):
        jobs.all()


@pytest.mark.parametrize(
    "asked",
    [
        Check(prepare=PrepareConfig(size=256)),
        Enrol("Ana É", prepare=PrepareConfig(trigger_word="sks")),
        Train("Ana", train=TrainConfig(rank=4, max_train_steps=None)),
        Resume("Ana", "20260101-000000"),
        KeepLook(name="Ink", captions=("rain", None), style=TrainStyleConfig(captions="files")),
        TrainStyle(name="Ink", style=TrainStyleConfig(rank=4), run_name="20260101-000000"),
        MakePortraits("Ana", PortraitConfig(count=2, seed=5, width=None), Path("out é").absolute()),
    ],
    ids=lambda asked: asked.kind,
)
def test_every_kind_of_work_is_read_back_as_it_was(asked: Check) -> None:
    facts = json.loads(json.dumps(asked.facts()))
    assert KINDS[asked.kind](asked.person, (), facts) == asked


def test_settings_of_a_later_version_are_passed_over() -> None:
    facts = {"train": {"rank": 4, "magic": True}, "prepare": {}, "other": 1}
    assert KINDS["train"]("Ana", (), facts) == Train("Ana", train=TrainConfig(rank=4))


def test_portraits_are_the_same_at_a_second_try(jobs: Jobs) -> None:
    settled = MakePortraits("Ana").settled(jobs.studio)
    assert settled.portrait.seed >= 0
    assert settled.settled(jobs.studio) == settled


def test_a_kind_that_is_not_known_is_told(jobs: Jobs, host: WatchedHost) -> None:
    stranger = Jobs(Studio(host, FaceNets()), kinds={})
    job = submit(stranger, "Dancing", nothing, kind="dance")
    list(job.follow())
    assert str(job.error) == "This version cannot do a job like 'Dancing'."
    stranger.close()


def test_progress_is_written_down(jobs: Jobs) -> None:
    job = submit(jobs, "a", lambda: iter([Step(1, 2, 0.1, 0.1, 1.0, 9.0), Stage("end")]))
    list(job.follow())
    assert job.record.progress == 1.0
    assert [r.progress for r in jobs.books.jobs.records()] == [1.0]
