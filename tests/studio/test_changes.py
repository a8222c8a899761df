"""What a training leaves of a library that changes, or fails to change, under it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.errors import (
    Busy,
    FaceChainError,
    InvalidInput,
    NoUsablePhotos,
    OutOfMemory,
    PersonNotFound,
)
from facechain_ext.base.events import PhotoPrepared, Step, TrainingFinished
from facechain_ext.base.records import Photo, PreparedPhoto, Reason, Verdict
from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig
from facechain_ext.dataset.verdicts import ACCEPTED
from facechain_ext.library.verdicts import stems_of
from facechain_ext.lora.checkpoint import read_metadata
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.uploads import told_apart

pytestmark = pytest.mark.slow(16)

TRAIN = TrainConfig(
    max_train_steps=2, train_batch_size=1, snapshot_every=1, samples_per_snapshot=0, rank=2
)
HER = Photo("her.jpg", astronaut())
NO_FACE = Verdict(False, Reason.NO_FACE, "No face.")
WALL = Photo("her.jpg", np.full((192, 192, 3), 128, np.uint8))


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory: pytest.TempPathFactory, small_folder: Path) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    studio = Studio(DiffusersHost(folder, small_folder, device="cpu"), FaceNets())
    list(studio.train_person("Ana", [HER], PrepareConfig(), TRAIN))
    return folder


@pytest.fixture
def trained(trained_folder: Path, small_folder: Path, tmp_path: Path) -> Studio:
    """A copy of a library in which Ana has been trained once."""
    shutil.copytree(trained_folder, tmp_path / "data")
    return Studio(DiffusersHost(tmp_path / "data", small_folder, device="cpu"), FaceNets())


def everything(studio: Studio) -> dict[str, bytes]:
    root = studio.host.paths.data_dir
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_photos_are_added_to_those_that_are_kept(trained: Studio) -> None:
    before = trained.library.get("Ana")
    before.set_captions({"000": "fcsks, edited by hand"})
    smaller = Photo("copy.jpg", np.ascontiguousarray(astronaut()[::2, ::2]))
    list(trained.enrol("Ana", [smaller, WALL], PrepareConfig(), add=True))
    now = trained.library.get("Ana")
    told = [(verdict.name, verdict.accepted) for verdict in now.verdicts()]
    assert told == [("her.jpg", True), ("copy.jpg", False), ("her (2).jpg", False)]
    assert len(now.photos()) == len(now.load_instances()) == sum(used for _, used in told)
    assert now.load_instances()[0].caption == "fcsks, edited by hand"
    assert now.manifest.runs == before.manifest.runs


def test_kept_photos_stay_as_they_are_when_others_are_added(trained: Studio) -> None:
    person = trained.library.get("Ana")
    for path in sorted(person.folder.rglob("000.*")):
        path.rename(path.with_name(path.name.replace("000", "004")))
    (person.folder / "instances" / "verdicts.json").unlink()
    (kept,) = person.photos()
    before = kept.read_bytes()
    person.set_captions({"004": "fcsks, edited by hand"})
    list(trained.enrol("ana", [WALL], PrepareConfig(trigger_word="anaword"), add=True))
    assert [p.manifest.name for p in trained.library.people()] == ["Ana"], "a slug names nobody new"
    now = trained.library.get("Ana")
    assert {path.stem for path in (*now.photos(), *now.captions())} == {"004"}
    assert kept.read_bytes() == before, "not compressed once more"
    assert now.load_instances()[0].caption == "anaword, edited by hand"


@pytest.mark.parametrize("change", ["photo", "caption", "person", "name"])
def test_what_goes_while_photos_are_judged_does_not_come_back(trained: Studio, change: str) -> None:
    library = trained.library
    events = trained.enrol("Ana", [WALL], PrepareConfig(), add=True)
    assert isinstance([next(events), next(events)][-1], PhotoPrepared)
    if change == "photo":
        library.get("Ana").delete_photo("000")
    elif change == "caption":
        library.get("Ana").set_captions({"000": "edited meanwhile"})
    elif change == "person":
        library.delete("Ana")
    else:
        library.rename("Ana", "ANA")
    before = everything(trained)
    with pytest.raises(InvalidInput, match="meanwhile"):
        list(events)
    assert everything(trained) == before


def test_new_photos_get_names_and_stems_of_their_own() -> None:
    photos = [
        Photo(name, HER.pixels) for name in ("a.jpg", "b", "a.jpg", "a.jpg", "a (2).jpg", "b")
    ]
    names = [photo.name for photo in told_apart(photos)]
    assert names == ["a.jpg", "b", "a (2).jpg", "a (3).jpg", "a (2) (2).jpg", "b (2)"]
    judged = [PreparedPhoto(name, ACCEPTED if name != "b" else NO_FACE) for name in names]
    assert stems_of(judged, ["007", "001"]) == {0: "007", 2: "008", 3: "009", 4: "010", 5: "011"}


def test_an_owner_is_refused_before_photos_are_looked_at(trained: Studio) -> None:
    for add in (False, True):
        with pytest.raises(InvalidInput, match="is taken"):
            next(trained.enrol("Ana", [HER], PrepareConfig(), "ben", add=add))
    with pytest.raises(InvalidInput, match="is taken"):
        next(iter(trained.train_person("Ana", [HER], PrepareConfig(), TRAIN, "ben")))


def test_none_are_added_where_the_originals_are_gone(trained: Studio) -> None:
    person = trained.library.get("Ana")
    shutil.rmtree(person.folder / "photos")
    kept = everything(trained)
    with pytest.raises(InvalidInput, match="originals of Ana were not kept"):
        list(trained.enrol("Ana", [HER], PrepareConfig(), add=True))
    assert everything(trained) == kept


def test_whoever_is_new_belongs_to_whom_added_them(tmp_path: Path, small_folder: Path) -> None:
    studio = Studio(DiffusersHost(tmp_path, small_folder, device="cpu"), FaceNets())
    list(studio.enrol("Ana", [HER], PrepareConfig(), "ann", add=True))
    assert studio.library.get("Ana").manifest.owner == "ann"
    with pytest.raises(InvalidInput, match="is taken"):
        list(studio.enrol("Ana", [HER], PrepareConfig(), "ben"))


@pytest.mark.parametrize("failing", ["prior", "other layers", "memory", "model", "closed"])
def test_old_photos_stay_until_the_first_step_can_be_taken(
    trained: Studio, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, config = everything(trained), TRAIN
    lora = trained.library.get("Ana").manifest.runs[0].lora
    if failing == "prior":
        config = replace(TRAIN, face_prior="nope.safetensors")
    elif failing == "other layers":
        config = replace(TRAIN, face_prior=lora, target_modules="attention")
    elif failing == "memory":
        full = "facechain_ext.studio.face_training.cache"
        monkeypatch.setattr(full, lambda *_, **__: (_ for _ in ()).throw(OutOfMemory("full")))
    elif failing == "model":
        monkeypatch.setattr(
            DiffusersHost, "borrow_model", lambda *_, **__: (_ for _ in ()).throw(InvalidInput("x"))
        )
    mirrored = Photo("b.jpg", np.ascontiguousarray(astronaut()[:, ::-1]))
    events = trained.train_person("Ana", [mirrored], PrepareConfig(trigger_word="new"), config)
    if failing == "closed":
        next(events)
        del events
    else:
        with pytest.raises(FaceChainError):
            list(events)
    assert everything(trained) == before


def test_only_accepted_photos_are_kept_whatever_they_are_called(trained: Studio) -> None:
    list(trained.enrol("Ana", [WALL, HER, WALL], PrepareConfig()))
    (photo,) = trained.library.get("Ana").photos()
    assert photo.stat().st_size > 20_000, "the wall is plain"


class OneByOne(list[Photo]):
    """Uploads that are made anew whenever they are looked at, and never all at once."""

    def __iter__(self) -> Iterator[Photo]:
        return (Photo(photo.name, photo.pixels.copy()) for photo in super().__iter__())


def test_every_verdict_is_told_once(trained: Studio) -> None:
    events = list(trained.check(OneByOne([HER, WALL]), PrepareConfig()))
    assert [event.done for event in events if isinstance(event, PhotoPrepared)] == [1, 2]


def test_portraits_ask_a_lora_by_the_word_it_was_trained_with(trained: Studio) -> None:
    person = trained.library.get("Ana")
    old = trained.request("Ana", PortraitConfig()).prompt
    attributes = replace(person.manifest.attributes, age=3.0, glasses=True)
    person.save(trigger_word="another", attributes=attributes)
    asked = trained.request("Ana", PortraitConfig())
    assert asked.prompt == old
    assert asked.loras[0].lora.trigger_word == "fcsks"


def test_portraits_without_crops_are_refused_before_drawing(trained: Studio) -> None:
    shutil.rmtree(trained.library.get("Ana").folder / "instances")
    with pytest.raises(NoUsablePhotos, match="Add photos first"):
        trained.request("Ana", PortraitConfig())


@pytest.mark.parametrize("in_between", [False, True])
def test_a_person_deleted_while_training_does_not_come_back(
    trained: Studio, in_between: bool
) -> None:
    events = trained.train("Ana", TRAIN)
    with pytest.raises(PersonNotFound, match="Ana was deleted or renamed meanwhile"):
        for event in events:
            if isinstance(event, Step) and event.step == (1 if in_between else 2):
                Studio(trained.host, trained.nets).library.delete("Ana")
    assert everything(trained) == {}


def test_a_person_renamed_while_training_keeps_the_training(trained: Studio) -> None:
    library = trained.library
    for event in trained.train("Ana", TRAIN):
        if isinstance(event, Step) and event.step == 1:
            assert library.rename("Ana", "Éva").slug == "ana"
            with pytest.raises(Busy):
                next(iter(trained.resume("Éva")))
    assert isinstance(event, TrainingFinished)
    assert event.lora.alias == "Éva"
    library.settle()
    person = library.get("Éva")
    assert person.slug == "eva"
    assert len(person.manifest.runs) == 2
    assert len(library.lora_files(person)) == 6
    assert trained.resumable("Éva") is None


def test_two_trainings_at_once_are_both_listed(trained: Studio) -> None:
    host = DiffusersHost(
        trained.host.paths.data_dir, trained.host.current_checkpoint().path, device="cpu"
    )
    for event in trained.train("Ana", TRAIN):
        if isinstance(event, Step) and event.step == 2:
            list(Studio(host, trained.nets).train("Ana", TRAIN))
    assert len({run.lora for run in trained.library.get("Ana").manifest.runs}) == 3


def test_prompts_call_a_lora_by_the_persons_name(trained: Studio) -> None:
    list(trained.train("Ana", TRAIN))
    person = trained.library.rename("Ana", "Ana: <Éva>, (2)")
    finished = list(trained.train(person.manifest.name, TRAIN))[-1]
    assert isinstance(finished, TrainingFinished)
    runs = trained.library.get("ana-eva-2").manifest.runs
    assert [run.alias for run in runs] == ["Ana", "Ana-2", "Ana Éva 2"]
    told = [read_metadata(trained.library.lora_file(run))["ss_output_name"] for run in runs]
    assert told == [run.prompt_name for run in runs]
    assert finished.lora.alias == "Ana Éva 2"


def test_a_snapshot_is_published_later_under_a_chosen_name(trained: Studio) -> None:
    (run,) = trained.library.get("Ana").manifest.runs
    lora = trained.publish("Ana", step=1, lora_name="Ana young")
    assert (lora.alias, lora.name) == ("Ana young", f"ana-{run.name}-step1")
    assert lora.path.with_suffix(".preview.png").is_file()
    latest = trained.library.get("Ana").latest_run
    assert latest is not None
    assert (latest.steps, latest.name, latest.by_hand) == ((1,), run.name, True)
    assert trained.publish("Ana", run.name, 1).name == f"ana-{run.name}-step1-2"
    for wrong, told in (
        ({"step": 7}, "no snapshot of step 7; there are: 1, 2"),
        ({"run": "x"}, "no training x"),
    ):
        with pytest.raises(InvalidInput, match=told):
            trained.publish("Ana", **wrong)  # type: ignore[arg-type]
    trained.library.delete("Ana")
    assert everything(trained) == {}


def test_a_lora_can_leave_face_and_name_out(trained: Studio) -> None:
    trained.library.rename("Ana", "Secret")
    finished = list(trained.train("Secret", replace(TRAIN, private_lora=True)))[-1]
    assert isinstance(finished, TrainingFinished)
    path = finished.lora.path
    beside = [p for p in path.parent.iterdir() if p.name.startswith(path.stem)]
    assert sorted(p.name for p in beside) == [path.stem + ".json", path.name]
    assert path.stem == trained.library.get("Secret").manifest.runs[-1].name
    assert "secret" not in json.dumps(read_metadata(path)).lower()
    assert "secret" not in path.with_suffix(".json").read_text("utf-8").lower()
    trained.library.delete("Secret")
    assert everything(trained) == {}


def test_a_linked_face_prior_counts_by_its_name(trained: Studio, tmp_path: Path) -> None:
    (run,) = trained.library.get("Ana").manifest.runs
    lora = trained.library.lora_file(run)
    outside = tmp_path / "blobs" / "0123abcd"
    outside.parent.mkdir()
    outside.write_bytes(lora.read_bytes())
    try:
        (lora.parent / "linked.safetensors").symlink_to(outside)
    except OSError:
        pytest.skip("links cannot be made here")
    finished = list(trained.train("Ana", replace(TRAIN, face_prior="linked.safetensors")))[-1]
    assert isinstance(finished, TrainingFinished)


def test_a_disk_that_is_full_when_publishing_leaves_the_training(
    trained: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("facechain_ext.studio.publishing.write_sidecars", full)
        with pytest.raises(InvalidInput, match="could not be written: No space left"):
            list(trained.train("Ana", replace(TRAIN, state_every=1)))
    assert len(trained.library.lora_files(trained.library.get("Ana"))) == 3
    finished = list(trained.resume("Ana"))[-1]
    assert isinstance(finished, TrainingFinished)
    assert len(trained.library.get("Ana").manifest.runs) == 2
