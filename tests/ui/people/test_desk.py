"""What the People panel does, from photos to deletion, without a page."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from facechain_ext.base.errors import Busy, InvalidInput
from facechain_ext.base.events import Event, PhotoPrepared, Stage, Step, TrainingFinished
from facechain_ext.config import PrepareConfig, TrainConfig
from facechain_ext.jobs.queue import JobState
from facechain_ext.ui.page.copies import folder_for
from facechain_ext.ui.people.desk import NEW, PeopleDesk
from facechain_ext.ui.people.view import LATEST, PeopleView
from tests.jobs.told import submit
from tests.ui.conftest import SECONDS, TRAIN, done

pytestmark = [pytest.mark.model, pytest.mark.slow(15)]


@pytest.mark.parametrize(
    ("name", "has_photos", "consent", "problem"),
    [
        ("", True, True, "Type a name"),
        (NEW, True, True, "Type a name"),
        ("???", True, True, "cannot name a person"),
        ("Ana", False, True, "Choose photos of Ana"),
        ("Ana", True, False, "Tick the box"),
    ],
)
def test_what_is_missing_is_said_at_once(
    desk: PeopleDesk,
    photos: list[Path],
    name: str,
    has_photos: bool,
    consent: bool,
    problem: str,
) -> None:
    with pytest.raises(InvalidInput, match=problem):
        desk.train(name, photos if has_photos else [], consent, PrepareConfig(), TRAIN)
    assert desk.services.jobs.all() == []


def test_new_photos_are_kept_and_trained_on(just_trained: PeopleDesk) -> None:
    job = just_trained.job("Ana")
    assert job is not None
    judged = just_trained.log(job).photos
    assert [judged[place].verdict.accepted for place in (1, 2, 3)] == [True, False, False]
    assert isinstance(job.events[-1], TrainingFinished)
    assert just_trained.names() == ["Ana"]


def test_the_same_uploads_do_not_overwrite_captions(
    just_trained: PeopleDesk, photos: list[Path]
) -> None:
    assert just_trained.save_captions("Ana", ["fcsks, her in orange"]) == 1
    again = done(just_trained.train("Ana", photos, True, PrepareConfig(), TRAIN))
    assert not [event for event in again.events if isinstance(event, PhotoPrepared)]
    assert [caption.text for caption in just_trained.captions("Ana")] == ["fcsks, her in orange"]


def test_a_known_person_is_trained_again_without_uploads(trained: PeopleDesk) -> None:
    job = done(trained.train("ana", [], False, PrepareConfig(), TRAIN))
    assert job.state is JobState.SUCCEEDED
    person = trained.person("Ana")
    assert person is not None
    assert len(person.manifest.runs) == 2


def test_photos_can_be_kept_without_training(desk: PeopleDesk, photos: list[Path]) -> None:
    job = done(desk.keep("Ana", photos, True, PrepareConfig()))
    assert job.error is None
    assert desk.are_kept("Ana", photos)
    assert not desk.are_kept("Ana", photos[:1])
    assert len(desk.captions("Ana")) == 1


def test_a_stopped_training_goes_on_with_its_curve(desk: PeopleDesk, photos: list[Path]) -> None:
    done(desk.keep("Ana", photos, True, PrepareConfig()))
    config = TrainConfig(
        max_train_steps=8, train_batch_size=1, snapshot_every=2, samples_per_snapshot=0, rank=2
    )
    job = desk.train("Ana", [], False, PrepareConfig(), config)
    for event in job.follow():
        if isinstance(event, Step) and event.step >= 3:
            desk.stop("Ana")
    assert job.state is JobState.CANCELED
    stopped_at = desk.log(job).losses[-1][0]
    assert 3 <= stopped_at < 8
    resumed = done(desk.resume("Ana"))
    assert resumed.state is JobState.SUCCEEDED, resumed.error
    assert [number for number, _ in desk.log(resumed).losses] == [*range(1, 9)]


def test_nobody_is_deleted_or_trained_twice_while_work_goes_on(trained: PeopleDesk) -> None:
    going = threading.Event()

    def work() -> Iterator[Event]:
        yield Stage("train", 1)
        assert going.wait(SECONDS)

    job = submit(trained.services.jobs, "Training Ana", work, kind="train", person="Ana")
    job.wait(0, SECONDS)
    for action in (
        lambda: trained.delete("Ana"),
        lambda: trained.rename("Ana", "Eva"),
        lambda: trained.train("Ana", [], False, PrepareConfig(), TRAIN),
    ):
        with pytest.raises(Busy):
            action()
    going.set()
    done(job)
    assert trained.names() == ["Ana"]


def test_the_card_says_how_long_a_training_takes(trained: PeopleDesk) -> None:
    assert re.search(
        r"A training takes 200 steps, about \d+ (s|min)\.", PeopleView(trained).card("Ana")
    )


def test_deletion_says_what_goes_and_removes_it(just_trained: PeopleDesk) -> None:
    told = just_trained.what_goes("Ana")
    assert told == (
        "1 photo, 1 crop, 1 training, 1 LoRA and 0 portraits of Ana will be removed from disk "
        "for good."
    )
    job = just_trained.job("Ana")
    removed = just_trained.delete("Ana")
    assert removed
    assert job not in just_trained.services.jobs.all(), "its events hold her pictures"
    assert not any(path.exists() for path in removed)
    assert just_trained.names() == []


def test_what_pages_were_shown_goes_too(
    trained: PeopleDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = tmp_path / "gradio" / "a copy"
    shown.mkdir(parents=True)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(shown.parent))
    (crop,) = trained.captions("Ana")
    (shown / "image.png").write_bytes(crop.picture.read_bytes())
    other, hers, bystander = (
        folder_for("Ana-Maria") / "other.png",
        folder_for("Ana") / "set-aside.png",
        shown.parent / "of the webui.png",
    )
    for number, path in enumerate((other, hers, bystander)):
        path.write_bytes(bytes([number] * 9))
    archive = trained.export("Ana", folder_for("Ana"))
    trained.delete("Ana")
    assert not hers.parent.exists()
    assert not archive.parent.exists()
    assert not shown.exists()
    assert other.is_file()
    assert bystander.is_file()


def test_a_former_name_hides_nothing_from_deletion(
    just_trained: PeopleDesk, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = tmp_path / "gradio"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(shown))
    upload, aside = shown / "her.jpg", folder_for("Ana") / "set-aside.png"
    upload.write_bytes(photos[0].read_bytes())
    aside.write_bytes(b"not kept")
    just_trained.rename("Ana", "Eva")
    assert just_trained.are_kept("Eva", photos)
    assert not aside.exists()
    just_trained.delete("Eva")
    assert not upload.exists()
    assert just_trained.services.jobs.all() == []


def test_rename_and_export(trained: PeopleDesk, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="new name"):
        trained.rename("Ana", "  ")
    assert trained.rename("Ana", "Eva").manifest.name == "Eva"
    assert trained.export("Eva", tmp_path).name == "eva.zip"


def test_a_finished_training_is_drawn_from_disk(trained: PeopleDesk) -> None:
    fresh = PeopleView(PeopleDesk(trained.services))
    person = trained.person("Ana")
    assert person is not None
    (choice,) = fresh.runs(person)
    drawn = fresh.training("Ana", choice)
    assert "Step 2 of 2" in drawn.progress
    assert "&lt;lora:Ana:1&gt;" in drawn.progress
    assert "after 2 steps" in drawn.curves
    assert drawn.samples.count("<img ") == 2
    assert "Ana" in fresh.card("Ana")
    assert fresh.card(NEW) == ""


def test_nobody_chosen_is_an_empty_place(desk: PeopleDesk) -> None:
    assert "Nobody chosen" in PeopleView(desk).training("", LATEST).progress
