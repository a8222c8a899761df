"""The product's wiring, over a host that lends the tiny model and draws prepared pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from facechain_ext.base.errors import (
    Cancelled,
    FaceChainError,
    InvalidInput,
    ModelUnavailable,
    NoPortraitFound,
    NoUsablePhotos,
    OutOfMemory,
    PersonNotFound,
    UnreadablePhoto,
)
from facechain_ext.base.events import (
    Drawing,
    Event,
    PhotoPrepared,
    PortraitsFinished,
    Preview,
    Stage,
    Step,
    TrainingFinished,
)
from facechain_ext.base.host import (
    CheckpointRef,
    GeneratedImage,
    GenerationRequest,
    StepCallback,
    Unavailable,
)
from facechain_ext.base.infotext import parse_infotext
from facechain_ext.base.records import Photo, Pixels, Rejection
from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig
from facechain_ext.dataset.prepare import Unreadable
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.imaging.files import resize
from facechain_ext.lora.checkpoint import read_lora
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.infotext import read_portrait
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio import portraits
from facechain_ext.studio.forecast import Forecast
from facechain_ext.studio.studio import Studio
from tests.quick import two_step_samples

pytestmark = pytest.mark.slow(25)

BLANK = np.full((192, 192, 3), 128, np.uint8)
TRAIN = TrainConfig(
    max_train_steps=2, train_batch_size=1, snapshot_every=1, samples_per_snapshot=1, rank=2
)


def portrait_of_her() -> Pixels:
    return np.ascontiguousarray(astronaut()[:300, 60:360])


class PicturesHost(DiffusersHost):
    """Draws from a list; what was asked is kept."""

    pictures: tuple[Pixels, ...] = ()
    restorer: Pixels | None = None
    enlarges = True
    raises_at_the_end: Exception | None = None
    asked: GenerationRequest | None = None
    busy = False
    lent = 0
    switched: CheckpointRef | None = None
    """What the user loads while we wait for the model."""

    def others_waiting(self) -> bool:
        return self.busy

    def forget_cancel(self) -> None:
        with self.job("another"):
            pass

    @contextmanager
    def borrow_model(self, *, for_training: bool) -> Iterator[DiffusersModel]:
        self.lent += 1
        if self.switched is not None:
            switched = self.switched
            self.__dict__["current_checkpoint"] = lambda: switched
        with super().borrow_model(for_training=for_training) as model:
            yield model

    def generate(
        self, request: GenerationRequest, on_step: StepCallback | None = None
    ) -> Iterator[GeneratedImage]:
        self.asked = request
        for number, seed in enumerate(request.seeds if self.pictures else ()):
            for step in (1, 2) if on_step else ():
                on_step(number, step, 2)
            pixels = self.pictures[number % len(self.pictures)]
            yield GeneratedImage(pixels, seed, f"{request.prompt}\nSteps: 2, Seed: {seed}")
        if self.raises_at_the_end is not None:
            raise self.raises_at_the_end

    def upscale(self, pixels: Pixels, size: int) -> Pixels | Unavailable:
        if not self.enlarges:
            return Unavailable("No enlarger here.")
        return resize(pixels, (size, round(size * pixels.shape[0] / pixels.shape[1])))

    def restore_face(self, pixels: Pixels) -> Pixels | Unavailable:
        return super().restore_face(pixels) if self.restorer is None else self.restorer


@pytest.fixture(scope="session")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture
def studio(tmp_path: Path, small_folder: Path, nets: FaceNets, quick_samples: None) -> Studio:
    return Studio(PicturesHost(tmp_path, small_folder, device="cpu"), nets)


def host_of(studio: Studio) -> PicturesHost:
    assert isinstance(studio.host, PicturesHost)
    return studio.host


@pytest.fixture(scope="session")
def uploads() -> list[Photo | Unreadable]:
    return [
        Photo("her.jpg", astronaut()),
        Photo("blank.jpg", BLANK),
        Unreadable("broken.jpg", UnreadablePhoto("broken.jpg is not a picture.")),
    ]


@pytest.fixture(scope="session")
def trained_library(
    tmp_path_factory: pytest.TempPathFactory,
    small_folder: Path,
    nets: FaceNets,
    uploads: list[Photo | Unreadable],
) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    studio = Studio(PicturesHost(folder, small_folder, device="cpu"), nets)
    with two_step_samples():
        list(studio.train_person("Ana", uploads, PrepareConfig(), TRAIN))
    return folder


@pytest.fixture
def trained(studio: Studio, trained_library: Path, tmp_path: Path) -> Studio:
    """A copy of a library in which Ana has been trained once."""
    shutil.copytree(trained_library, tmp_path, dirs_exist_ok=True)
    return studio


def test_training_tells_its_way_and_leaves_a_lora(
    studio: Studio, uploads: list[Photo | Unreadable]
) -> None:
    events = list(studio.train_person("Ana", uploads, PrepareConfig(), TRAIN))
    finished = events[-1]
    assert isinstance(finished, TrainingFinished)
    verdicts = {e.photo.name: e.photo.verdict for e in events if isinstance(e, PhotoPrepared)}
    assert [name for name, verdict in verdicts.items() if verdict.accepted] == ["her.jpg"]
    assert len([e for e in events if isinstance(e, Step)]) == 2
    assert len([e for e in events if isinstance(e, Preview)]) == 2
    assert set(finished.seconds) == {"prepare", "cache", "train"}
    state, metadata = read_lora(finished.lora.path)
    assert state
    assert metadata["facechain.person"] == "Ana"
    assert metadata["facechain.photo_count"] == "1"
    card = json.loads(finished.lora.path.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["activation text"] == "fcsks"
    assert finished.lora.path.with_suffix(".preview.png").is_file()


def test_the_library_knows_the_person_afterwards(trained: Studio) -> None:
    person = trained.library.get("Ana")
    run = person.latest_run
    assert run is not None
    assert (trained.host.paths.lora_dir / run.lora).is_file()
    assert len(person.load_instances()) == 1
    assert [path.name for path in (person.folder / "photos").iterdir()] == ["000.jpg"]


def test_a_lora_goes_to_the_folder_of_the_hosts_choice_and_is_found_where_it_is_moved(
    studio: Studio, uploads: list[Photo | Unreadable], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = replace(studio.host.paths, lora_folder="mine/faces")
    monkeypatch.setattr(studio.host, "_paths", paths)
    for _ in studio.train_person("Ana", uploads, PrepareConfig(), TRAIN):
        pass
    (lora,) = (paths.lora_dir / "mine" / "faces").glob("*.safetensors")
    asked = studio.request("Ana", PortraitConfig(count=1))
    assert asked.loras[0].lora.path == lora
    moved = lora.rename(paths.lora_dir / lora.name)
    assert studio.request("Ana", PortraitConfig(count=1)).loras[0].lora.path == moved


def test_photos_are_not_kept_unless_wanted(
    trained: Studio, uploads: list[Photo | Unreadable]
) -> None:
    config = PrepareConfig(keep_photos=False)
    for _ in trained.enrol("Ana", uploads, config):
        pass
    person = trained.library.get("Ana")
    assert len(person.load_instances()) == 1
    assert [*(person.folder / "photos").iterdir()] == []


def test_every_run_gets_a_lora_of_its_own(
    trained: Studio, uploads: list[Photo | Unreadable]
) -> None:
    for _ in trained.train_person("Ana", uploads, PrepareConfig(), TRAIN):
        pass
    runs = trained.library.get("Ana").manifest.runs
    assert len({run.lora for run in runs}) == 2


def test_no_usable_photo_writes_nothing(studio: Studio, uploads: list[Photo | Unreadable]) -> None:
    with pytest.raises(NoUsablePhotos, match=r"blank\.jpg"):
        list(studio.train_person("Ana", uploads[1:], PrepareConfig(), TRAIN))
    assert studio.library.people() == []


def test_cancelling_gives_the_model_back(studio: Studio, uploads: list[Photo | Unreadable]) -> None:
    assert isinstance(studio.host, PicturesHost)
    with studio.host.borrow_model(for_training=True) as model:
        before = {key: tensor.clone() for key, tensor in model.denoiser.state_dict().items()}
        with pytest.raises(Cancelled):
            for event in studio.train_person("Ana", uploads, PrepareConfig(), TRAIN):
                if isinstance(event, Step):
                    studio.host.cancel()
        after = model.denoiser.state_dict()
    assert list(after) == list(before)
    assert all(np.array_equal(after[key], before[key]) for key in before)
    assert studio.library.get("Ana").latest_run is None


def test_training_again_uses_the_captions_as_edited(trained: Studio) -> None:
    person = trained.library.get("Ana")
    person.set_captions({"000": "fcsks, in a\nred hat"})
    finished = list(trained.train("Ana", TRAIN))[-1]
    assert isinstance(finished, TrainingFinished)
    assert set(finished.seconds) == {"cache", "train"}
    assert len(trained.library.get("Ana").manifest.runs) == 2
    assert person.load_instances()[0].caption == "fcsks, in a red hat"


def test_enrolling_keeps_photos_and_trains_nothing(
    studio: Studio, uploads: list[Photo | Unreadable]
) -> None:
    list(studio.enrol("Ana", uploads, PrepareConfig()))
    person = studio.library.get("Ana")
    assert len(person.load_instances()) == 1
    assert person.run_folders == []
    assert studio.history("Ana") is None
    assert studio.resumable("Ana") is None


def test_steps_that_nobody_chose_follow_the_photos(trained: Studio) -> None:
    for event in trained.train("Ana", replace(TRAIN, max_train_steps=None)):
        if isinstance(event, Stage) and event.name == "train":
            break
    assert event == Stage("train", 200)
    history = trained.history("Ana")
    assert history is not None
    assert history.record.config.max_train_steps == 200


def test_the_last_training_tells_how_long_another_would_take(trained: Studio) -> None:
    one, two = (
        trained.forecast("Ana", TrainConfig(max_train_steps=steps, train_batch_size=size))
        for steps, size in ((None, 1), (400, 2))
    )
    assert (one.steps, two.steps) == (200, 400)
    assert one.seconds is not None
    assert one.seconds > 0
    assert two.seconds == pytest.approx(4 * one.seconds)


def test_before_any_training_only_the_steps_are_known(
    studio: Studio, uploads: list[Photo | Unreadable]
) -> None:
    list(studio.enrol("Ana", uploads, PrepareConfig()))
    assert studio.forecast("Ana", TrainConfig()) == Forecast(steps=200, seconds=None)


def test_training_needs_somebody_with_photos(studio: Studio) -> None:
    with pytest.raises(PersonNotFound):
        list(studio.train("Nobody", TRAIN))
    person = studio.library.create_or_get("Ana", "fcsks")
    with pytest.raises(NoUsablePhotos, match="Ana"):
        list(studio.train("Ana", TRAIN))
    with pytest.raises(InvalidInput, match="no stopped training"):
        list(studio.resume("Ana"))
    assert person.run_folders == []


def stop_at(studio: Studio, step: int) -> list[Event]:
    """Train on Ana's crops and cancel when a step was told."""
    events: list[Event] = []
    host_of(studio).forget_cancel()
    with pytest.raises(Cancelled):
        for event in studio.train("Ana", TRAIN):
            events.append(event)
            if isinstance(event, Step) and event.step == step:
                studio.host.cancel()
    host_of(studio).forget_cancel()
    return events


def shown(events: Iterable[Event]) -> list[object]:
    """What a page shows of a training, but for its speed."""
    steps = [(e.step, e.loss, e.learning_rate) for e in events if isinstance(e, Step)]
    previews = [e for e in events if isinstance(e, Preview)]
    return [*steps, *((p.step, p.similarities, p.images[0].tobytes()) for p in previews)]


def test_a_stopped_training_goes_on_and_ends_as_an_unbroken_one(trained: Studio) -> None:
    plain = trained.history("Ana")
    stop_at(trained, 1)
    stopped = trained.resumable("Ana")
    assert stopped is not None
    assert (stopped.step, stopped.total, stopped.checkpoint) == (
        1,
        2,
        trained.host.current_checkpoint().name,
    )
    half = trained.history("Ana")
    assert plain is not None and half is not None
    assert (plain.finished, half.finished) == (True, False)
    assert shown(half.events) == shown(plain.events)[:1]
    finished = list(trained.resume("Ana"))[-1]
    assert isinstance(finished, TrainingFinished)
    whole = trained.history("Ana")
    assert whole is not None
    assert (whole.run, whole.finished) == (stopped.run, True)
    assert shown(whole.events) == shown(plain.events)
    first, second = trained.library.get("Ana").manifest.runs
    assert second.lora_sha256 == first.lora_sha256
    assert (trained.host.paths.lora_dir / second.lora).is_file()
    assert trained.resumable("Ana") is None


def test_a_finished_training_keeps_its_snapshots_and_nothing_to_go_on_from(trained: Studio) -> None:
    (folder,) = trained.library.get("Ana").run_folders
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "config.json",
        "events.jsonl",
        "samples/step-000001-0.png",
        "samples/step-000002-0.png",
        "checkpoints/step-000001.safetensors",
        "checkpoints/step-000002.safetensors",
    }


def test_the_model_a_stopped_training_needs_is_asked_for(
    trained: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at(trained, 1)
    other = CheckpointRef("another", Path("another.safetensors"), "0" * 64)
    monkeypatch.setattr(PicturesHost, "current_checkpoint", lambda self: other)
    with pytest.raises(ModelUnavailable, match="Load tiny"):
        list(trained.resume("Ana"))
    assert trained.resumable("Ana") is not None


@pytest.mark.parametrize(
    ("part", "class_images", "work"),
    [
        ("encode_images", 0, "encode the photos"),
        ("predict", 1, "draw class images"),
        ("predict", 0, "draw the sample pictures"),
        ("encode_prompts", 0, "encode the photos"),
    ],
)
def test_memory_that_runs_out_is_told_and_the_model_left_as_it_was(
    trained: Studio, monkeypatch: pytest.MonkeyPatch, part: str, class_images: int, work: str
) -> None:
    def full(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("tried to allocate")

    with trained.host.borrow_model(for_training=False) as model:
        before = {key: value.clone() for key, value in model.denoiser.state_dict().items()}
    step = "facechain_ext.training.engine.Engine.step"
    loss = torch.tensor([0.1])
    monkeypatch.setattr(step, lambda *_, **__: loss)  # steps have plans of their own
    monkeypatch.setattr(DiffusersModel, part, full)
    with pytest.raises(OutOfMemory, match=f"not enough free memory to {work}"):
        list(trained.train("Ana", replace(TRAIN, class_images=class_images)))
    assert len(trained.library.get("Ana").manifest.runs) == 1
    after = model.denoiser.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[key], value) for key, value in before.items())


def test_the_model_recorded_is_the_one_that_was_lent(trained: Studio) -> None:
    host_of(trained).switched = CheckpointRef("another", Path("another.safetensors"), "0" * 64)
    list(trained.train("Ana", TRAIN))
    first, second = trained.library.get("Ana").manifest.runs
    assert first.checkpoint != "another" == second.checkpoint


def test_a_model_switched_while_a_stopped_training_waits_does_not_spoil_it(
    trained: Studio,
) -> None:
    stop_at(trained, 1)
    host_of(trained).switched = CheckpointRef("another", Path("another.safetensors"), "0" * 64)
    with pytest.raises(ModelUnavailable, match="Load tiny"):
        list(trained.resume("Ana"))
    resumable = trained.resumable("Ana")
    assert resumable is not None
    assert resumable.step == 1


def test_a_discarded_training_is_still_shown(trained: Studio) -> None:
    stop_at(trained, 1)
    trained.discard("Ana")
    assert trained.resumable("Ana") is None
    history = trained.history("Ana")
    assert history is not None
    assert len([e for e in history.events if isinstance(e, Step)]) == 1
    first = trained.history("Ana", trained.library.get("Ana").manifest.runs[0].name)
    assert first is not None
    assert first.finished


def test_edited_captions_and_photos_do_not_change_a_training_that_goes_on(trained: Studio) -> None:
    stop_at(trained, 1)
    trained.library.get("Ana").set_captions({"000": "fcsks, something else"})
    list(trained.resume("Ana"))
    first, second = trained.library.get("Ana").manifest.runs
    assert second.lora_sha256 == first.lora_sha256


def test_class_images_are_drawn_once_and_kept_for_a_resume(trained: Studio) -> None:
    host = host_of(trained)
    config = replace(TRAIN, class_images=2)
    stages, total = [], 0
    with pytest.raises(Cancelled):
        for event in trained.train("Ana", config):
            stages += [event.name] if isinstance(event, Stage) else []
            if isinstance(event, Step):
                host.cancel()
    host.forget_cancel()
    assert stages == ["class images", "cache", "train"]
    for event in trained.resume("Ana"):
        assert event != Stage("class images", 2)
        total += isinstance(event, Step)
    first, second = trained.library.get("Ana").manifest.runs
    assert total == 1
    assert second.lora_sha256 != first.lora_sha256


def test_a_training_begins_from_a_face_prior(trained: Studio) -> None:
    """At a rate of next to nothing what comes out is the prior, also after a stop."""
    host = host_of(trained)
    (first,) = trained.library.get("Ana").manifest.runs
    prior = read_lora(trained.library.lora_file(first))[0]
    still = replace(TRAIN, face_prior=first.lora, learning_rate=1e-12)
    with pytest.raises(Cancelled):
        for event in trained.train("Ana", still):
            if isinstance(event, Step):
                host.cancel()
    host.forget_cancel()
    *_, finished = trained.resume("Ana")
    assert isinstance(finished, TrainingFinished)
    begun, metadata = read_lora(finished.lora.path)
    for key in prior:
        torch.testing.assert_close(begun[key], prior[key], atol=1e-6, rtol=1e-5)
    assert first.lora in metadata["facechain.train_config"]


@pytest.mark.parametrize(
    ("given", "told"), [("../photo.safetensors", "in the LoRA folder"), ("x", "There is no LoRA")]
)
def test_a_face_prior_is_a_file_in_the_lora_folder(trained: Studio, given: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        list(trained.train("Ana", replace(TRAIN, face_prior=given)))
    assert len(list((trained.library.get("Ana").folder / "runs").iterdir())) == 1


def test_a_face_prior_of_other_layers_leaves_nothing_behind(trained: Studio) -> None:
    (first,) = trained.library.get("Ana").manifest.runs
    fewer = replace(TRAIN, face_prior=first.lora, target_modules="attention")
    with pytest.raises(InvalidInput, match="cannot be the start"):
        list(trained.train("Ana", fewer))
    assert len(list((trained.library.get("Ana").folder / "runs").iterdir())) == 1
    assert trained.resumable("Ana") is None


def test_others_get_the_model_between_slices(trained: Studio) -> None:
    host = host_of(trained)
    host.busy, host.lent = True, 0
    list(trained.train("Ana", TRAIN))
    assert host.lent == 2
    first, second = trained.library.get("Ana").manifest.runs
    assert second.lora_sha256 == first.lora_sha256


def make(studio: Studio, config: PortraitConfig, *pictures: Pixels) -> PortraitsFinished:
    assert isinstance(studio.host, PicturesHost)
    studio.host.pictures = pictures
    finished = list(studio.make_portraits("Ana", config))[-1]
    assert isinstance(finished, PortraitsFinished)
    return finished


def test_portraits_are_ranked_and_the_rest_kept_with_reasons(trained: Studio) -> None:
    blurred = np.ascontiguousarray(portrait_of_her()[::4, ::4].repeat(4, 0).repeat(4, 1))
    config = PortraitConfig(count=1, candidates=3, fusion_strength=0, seed=7)
    finished = make(trained, config, blurred, portrait_of_her(), BLANK)
    assert [p.seed for p in finished.ranked] == [8]
    assert [p.seed for p in finished.spare] == [7]
    assert [(p.seed, p.score.rejection) for p in finished.rejected] == [(9, Rejection.NO_FACE)]
    assert finished.ranked[0].score.similarity is not None
    assert finished.ranked[0].score.similarity > 0.9


def test_a_pose_leads_by_words_and_the_mini_more_strongly(
    trained: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = PortraitConfig(pose="far-left", pose_strength=0.6)
    request = trained.request("Ana", config)
    assert ", looking left" in request.prompt
    assert [control.weight for control in request.controls] == [0.6]
    monkeypatch.setattr(portraits, "knows_faces_alone", lambda _: True)
    assert [control.weight for control in trained.request("Ana", config).controls] == [1.2]
    strongest = trained.request("Ana", replace(config, pose_strength=2.0))
    assert [control.weight for control in strongest.controls] == [2.0], "webuis refuse more"
    monkeypatch.setattr(portraits, "made_fast", lambda request, _: request)
    fast = trained.request("Ana", replace(config, fast=True))
    assert [control.weight for control in fast.controls] == [0.6], "without guidance"
    up = trained.request("Ana", PortraitConfig(pose="up"))
    assert "looking" not in up.prompt
    assert [control.weight for control in up.controls] == [1.0], "a head that is not turned"


def test_the_request_carries_prompt_lora_and_twice_the_pictures(trained: Studio) -> None:
    finished = make(trained, PortraitConfig(count=2, prompt="a red hat"), portrait_of_her())
    assert isinstance(trained.host, PicturesHost)
    asked = trained.host.asked
    assert asked is not None
    assert len(asked.seeds) == 4 == len(finished.ranked) + len(finished.spare)
    assert asked.prompt.startswith("fcsks, ")
    assert "a red hat" in asked.prompt
    assert asked.loras[0].lora.path.is_file()


def test_saved_portraits_tell_how_they_were_made(trained: Studio, tmp_path: Path) -> None:
    finished = make(trained, PortraitConfig(count=1, seed=7), portrait_of_her(), BLANK)
    (path,) = trained.save_portraits(finished, tmp_path / "out")
    fields = parse_infotext(finished.ranked[0].infotext)[2]
    assert path.name == "01-7.png"
    assert fields["FaceChain person"] == "Ana"
    assert float(fields["FaceChain similarity"]) > 0.5
    assert [p.name for p in (tmp_path / "out" / "rejected").iterdir()] == ["no_face-8.png"]


def test_pictures_are_enlarged_before_the_face_is_blended_in(trained: Studio) -> None:
    finished = make(trained, PortraitConfig(count=1, seed=7, output_size=768), portrait_of_her())
    best, spare = finished.ranked[0], finished.spare[0]
    assert best.pixels.shape == (768, 768, 3)
    assert np.array_equal(best.before_fusion, resize(portrait_of_her(), (768, 768)))
    assert not np.array_equal(best.pixels, best.before_fusion)
    assert spare.pixels.shape == (300, 300, 3)
    told = [parse_infotext(portrait.infotext)[2] for portrait in (best, spare)]
    assert [fields.get("FaceChain output size") for fields in told] == ["768", None]
    assert [list(fields).count("FaceChain person") for fields in told] == [1, 1]


def test_nothing_is_made_smaller(trained: Studio) -> None:
    large = resize(portrait_of_her(), (600, 600))
    finished = make(trained, PortraitConfig(count=1, output_size=512), large)
    assert finished.ranked[0].pixels.shape == (600, 600, 3)


def test_what_could_not_be_had_is_noted_once(trained: Studio) -> None:
    host_of(trained).enlarges = False
    config = PortraitConfig(count=2, output_size=768, restore_faces=True)
    finished = make(trained, config, portrait_of_her())
    assert [note.split(":")[0] for note in finished.notes] == ["Faces not restored", "Not enlarged"]
    assert finished.ranked[0].pixels.shape == (300, 300, 3)


def test_faces_are_restored_unless_the_host_has_done_so(
    trained: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    host_of(trained).restorer = BLANK
    config = PortraitConfig(count=1, restore_faces=True)
    with pytest.raises(NoPortraitFound):
        make(trained, config, portrait_of_her())
    asked = host_of(trained).asked
    assert asked is not None
    assert asked.restore_faces
    drawn = GeneratedImage(portrait_of_her(), 1, "x\nSteps: 2, Face restoration: CodeFormer")
    monkeypatch.setattr(PicturesHost, "generate", lambda *_: iter([drawn]))
    assert make(trained, config).ranked[0].seed == 1


def test_a_weakened_fusion_says_why(trained: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "facechain_ext.studio.finishing.fusion_note", lambda *_: "Reduced: see above."
    )
    portrait = make(trained, PortraitConfig(count=1), portrait_of_her()).ranked[0]
    assert portrait.fusion_note == "Reduced: see above."
    assert parse_infotext(portrait.infotext)[2]["FaceChain fusion note"] == "Reduced: see above."


def test_everything_set_can_be_read_back_from_the_picture(trained: Studio) -> None:
    config = PortraitConfig(
        count=1, seed=7, prompt='hat, "red"', negative_prompt="a: b", fusion_strength=0.3
    )
    told = read_portrait(make(trained, config, portrait_of_her()).ranked[0].infotext)
    assert (told["person"], told["seed"]) == ("Ana", 7)
    assert (told["prompt"], told["negative_prompt"]) == ('hat, "red"', "a: b")
    assert (told["fusion_strength"], told["lora_weight"]) == (0.3, 1.0)


def with_style(studio: Studio, **fields: object) -> Studio:
    """Start anew with a style of the user's own."""
    folder = studio.host.paths.data_dir / "facechain" / "styles"
    folder.mkdir(parents=True, exist_ok=True)
    style = {"name": "mine", "title": "Mine", "prompt": "{person}", **fields}
    (folder / "mine.json").write_text(json.dumps(style), encoding="utf-8")
    return Studio(studio.host, studio.nets)


def test_the_styles_lora_comes_before_the_persons(trained: Studio) -> None:
    trained = with_style(trained, style_lora="film look", style_lora_weight=0.35, lora_weight=0.9)
    face = trained.request("Ana", PortraitConfig(count=1)).loras[0].lora
    own = trained.host.paths.lora_dir / "looks" / "film look.safetensors"
    own.parent.mkdir()
    own.write_bytes(face.path.read_bytes())
    uses = trained.request("Ana", PortraitConfig(style="mine")).loras
    assert [(use.lora.name, use.weight) for use in uses] == [("film look", 0.35), (face.name, 0.9)]
    uses = trained.request("Ana", PortraitConfig(style="mine", style_lora_weight=0.6)).loras
    assert uses[0].weight == 0.6


def test_a_missing_style_lora_is_named(trained: Studio) -> None:
    trained = with_style(trained, style_lora="film.safetensors")
    with pytest.raises(InvalidInput, match=r"'mine' uses the LoRA film\.safetensors.*not in"):
        make(trained, PortraitConfig(style="mine"), portrait_of_her())
    assert host_of(trained).asked is None


def test_when_every_picture_is_rejected_the_reasons_are_counted(trained: Studio) -> None:
    with pytest.raises(NoPortraitFound, match="2 x no face"):
        make(trained, PortraitConfig(count=1), BLANK)


def test_pictures_of_which_every_one_is_rejected_are_kept(trained: Studio, tmp_path: Path) -> None:
    events, error = until_it_ends(trained, PortraitConfig(count=1, seed=7), BLANK)
    assert isinstance(error, NoPortraitFound)
    finished = events[-1]
    assert isinstance(finished, PortraitsFinished)
    assert [p.seed for p in finished.rejected] == [7, 8]
    assert (finished.ranked, finished.spare, finished.stopped) == ((), (), "")


@pytest.mark.parametrize(
    ("raised", "said", "files"),
    [
        (Cancelled("Stopped while drawing."), "stopped", ["no_face-8.png", "stopped-7.png"]),
        (OutOfMemory("There is not enough memory."), "failed", ["failed-7.png", "no_face-8.png"]),
        (RuntimeError("no one foresaw this"), "failed", ["failed-7.png", "no_face-8.png"]),
    ],
)
def test_what_was_drawn_before_the_end_is_judged_and_kept(
    trained: Studio, tmp_path: Path, raised: Exception, said: str, files: list[str]
) -> None:
    host_of(trained).raises_at_the_end = raised
    pictures = portrait_of_her(), BLANK
    events, error = until_it_ends(trained, PortraitConfig(count=1, seed=7), *pictures)
    assert error is raised
    finished = events[-1]
    assert isinstance(finished, PortraitsFinished)
    assert finished.stopped == f"{said} before it was finished"
    assert finished.ranked == ()
    assert [p.score.ranked for p in finished.spare] == [True]
    assert [p.score.rejection for p in finished.rejected] == [Rejection.NO_FACE]
    assert trained.save_portraits(finished, tmp_path / "out") == []
    assert sorted(p.name for p in (tmp_path / "out" / "rejected").iterdir()) == files


def test_pictures_that_cannot_be_judged_are_kept_as_drawn(
    trained: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = RuntimeError("damaged")

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr("facechain_ext.studio.finishing.judge", fail)
    events, error = until_it_ends(trained, PortraitConfig(count=1, seed=7), portrait_of_her())
    assert error is failure
    finished = events[-1]
    assert isinstance(finished, PortraitsFinished)
    assert [p.seed for p in finished.rejected] == [7, 8]
    assert np.array_equal(finished.rejected[0].pixels, portrait_of_her())


def test_a_run_that_ends_before_the_first_picture_has_nothing_to_show(trained: Studio) -> None:
    host_of(trained).raises_at_the_end = Cancelled("Stopped while drawing.")
    events, error = until_it_ends(trained, PortraitConfig(count=1))
    assert isinstance(error, Cancelled)
    assert not any(isinstance(event, PortraitsFinished) for event in events)


def until_it_ends(
    studio: Studio, config: PortraitConfig, *pictures: Pixels
) -> tuple[list[Event], Exception | None]:
    """Make portraits; return what was told, and what was raised."""
    host_of(studio).pictures = pictures
    events: list[Event] = []
    try:
        events.extend(studio.make_portraits("Ana", config))
    except (FaceChainError, RuntimeError) as error:
        return events, error
    return events, None


def test_every_step_of_drawing_is_told(trained: Studio) -> None:
    told: list[Drawing] = []
    host_of(trained).pictures = (portrait_of_her(),)
    list(trained.make_portraits("Ana", PortraitConfig(count=1), told.append))
    assert told == [
        Drawing(1, 2, 1, 2),
        Drawing(1, 2, 2, 2),
        Drawing(2, 2, 1, 2),
        Drawing(2, 2, 2, 2),
    ]


def test_what_is_drawn_is_told_with_every_step_that_somebody_hears_of(
    trained: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Drawing] = []
    monkeypatch.setattr(host_of(trained), "preview", lambda: BLANK)
    host_of(trained).pictures = (portrait_of_her(),)
    list(trained.make_portraits("Ana", PortraitConfig(count=1), told.append))
    assert [step.pixels is BLANK for step in told] == [True] * 4


def test_a_lora_of_another_checkpoint_is_named_in_the_notes(
    trained: Studio, tiny_sdxl_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trained.mismatch("Ana") == ""
    known = trained.host.current_checkpoint()
    monkeypatch.setattr(
        trained.host, "current_checkpoint", lambda: replace(known, name="other", sha256="")
    )
    told = trained.mismatch("Ana")
    assert (
        told == f"The LoRA of Ana was trained on {known.name}; on other the likeness may be less."
    )
    assert make(trained, PortraitConfig(count=1), portrait_of_her()).notes == (told,)
    other = CheckpointRef("big", tiny_sdxl_folder)
    monkeypatch.setattr(trained.host, "current_checkpoint", lambda: other)
    assert "which is Stable Diffusion 1.x; big is SDXL, on which it has no effect" in (
        trained.mismatch("Ana")
    )


def test_without_photos_nothing_is_drawn(trained: Studio) -> None:
    for file in trained.library.get("Ana").folder.joinpath("instances").iterdir():
        file.unlink()
    with pytest.raises(NoUsablePhotos, match="no photos of Ana"):
        make(trained, PortraitConfig(count=1), portrait_of_her())
    assert host_of(trained).asked is None


def test_portraits_need_a_trained_person(studio: Studio) -> None:
    with pytest.raises(PersonNotFound):
        make(studio, PortraitConfig(), BLANK)


def test_an_unknown_style_is_refused_before_drawing(trained: Studio) -> None:
    with pytest.raises(InvalidInput, match="style"):
        make(trained, PortraitConfig(style="none-such"), BLANK)
