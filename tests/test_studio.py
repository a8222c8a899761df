"""The product's wiring, over a host that lends the tiny model and draws prepared pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.config import PortraitConfig, PrepareConfig, TrainConfig
from facechain_ext.dataset.prepare import Unreadable
from facechain_ext.errors import (
    Cancelled,
    InvalidInput,
    NoPortraitFound,
    NoUsablePhotos,
    PersonNotFound,
    UnreadablePhoto,
)
from facechain_ext.events import (
    PhotoPrepared,
    PortraitsFinished,
    Preview,
    Step,
    TrainingFinished,
)
from facechain_ext.host import GeneratedImage, GenerationRequest, StepCallback
from facechain_ext.infotext import parse_infotext
from facechain_ext.lora.checkpoint import read_lora
from facechain_ext.nets import FaceNets
from facechain_ext.records import Photo, Pixels, Rejection
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio import Studio

BLANK = np.full((192, 192, 3), 128, np.uint8)
TRAIN = TrainConfig(
    max_train_steps=2, train_batch_size=1, snapshot_every=1, samples_per_snapshot=1, rank=2
)


def portrait_of_her() -> Pixels:
    return np.ascontiguousarray(astronaut()[:300, 60:360])


class PicturesHost(DiffusersHost):
    """Draws from a list; what was asked is kept."""

    pictures: tuple[Pixels, ...] = ()
    asked: GenerationRequest | None = None

    def generate(
        self, request: GenerationRequest, on_step: StepCallback | None = None
    ) -> Iterator[GeneratedImage]:
        self.asked = request
        for number, seed in enumerate(request.seeds):
            pixels = self.pictures[number % len(self.pictures)]
            yield GeneratedImage(pixels, seed, f"{request.prompt}\nSteps: 2, Seed: {seed}")


@pytest.fixture(scope="session")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture
def studio(tmp_path: Path, tiny_folder: Path, nets: FaceNets) -> Studio:
    return Studio(PicturesHost(tmp_path, tiny_folder, device="cpu"), nets)


@pytest.fixture
def uploads() -> list[Photo | Unreadable]:
    return [
        Photo("her.jpg", astronaut()),
        Photo("blank.jpg", BLANK),
        Unreadable("broken.jpg", UnreadablePhoto("broken.jpg is not a picture.")),
    ]


@pytest.fixture
def trained(studio: Studio, uploads: list[Photo | Unreadable]) -> Studio:
    for _ in studio.train_person("Ana", uploads, PrepareConfig(), TRAIN):
        pass
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


def test_when_every_picture_is_rejected_the_reasons_are_counted(trained: Studio) -> None:
    with pytest.raises(NoPortraitFound, match="2 x no face"):
        make(trained, PortraitConfig(count=1), BLANK)


def test_portraits_need_a_trained_person(studio: Studio) -> None:
    with pytest.raises(PersonNotFound):
        make(studio, PortraitConfig(), BLANK)


def test_an_unknown_style_is_refused_before_drawing(trained: Studio) -> None:
    with pytest.raises(InvalidInput, match="style"):
        make(trained, PortraitConfig(style="none-such"), BLANK)
