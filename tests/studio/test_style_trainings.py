"""A style's LoRA, from pictures to a style that is chosen like every other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors import safe_open

from facechain_ext.base.errors import Busy, Cancelled, InvalidInput, ModelUnavailable
from facechain_ext.base.events import Event, PhotoPrepared, Preview, Stage, Step, TrainingFinished
from facechain_ext.base.host import CheckpointRef, Unavailable
from facechain_ext.base.records import Pixels
from facechain_ext.config import PortraitConfig, TrainStyleConfig
from facechain_ext.nets import FaceNets
from facechain_ext.standalone.diffusers_host import DiffusersHost
from facechain_ext.studio.look_keeping import read_captions
from facechain_ext.studio.studio import Studio
from facechain_ext.studio.styling import find_style_lora

pytestmark = pytest.mark.slow(20)

QUICK = {
    "max_train_steps": 3,
    "train_batch_size": 1,
    "rank": 2,
    "snapshot_every": 2,
    "samples_per_snapshot": 1,
    "state_every": 1,
}
CONFIG = TrainStyleConfig(**QUICK)
SIZES = [(96, 96)] * 6 + [(64, 128)] * 4


class TaggingHost(DiffusersHost):
    """Lends the small model; tags what it is told to, or cannot tag."""

    tags: list[str] | None = None
    stop_at: int | None = None
    busy = False
    steps = 0
    current: CheckpointRef | None = None

    def tag(self, pixels: Pixels) -> list[str] | Unavailable:
        return Unavailable("No tagger here.") if self.tags is None else self.tags

    def cancelled(self) -> bool:
        return self.stop_at is not None and self.steps >= self.stop_at

    def others_waiting(self) -> bool:
        return self.busy

    def current_checkpoint(self) -> CheckpointRef:
        return self.current or super().current_checkpoint()


@pytest.fixture
def host(small_folder: Path, tmp_path: Path, quick_samples: None) -> TaggingHost:
    return TaggingHost(tmp_path / "data", small_folder, device="cpu")


@pytest.fixture
def studio(host: TaggingHost) -> Studio:
    return Studio(host, FaceNets())


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, (width, height) in enumerate(SIZES):
        noise = np.random.default_rng(number).integers(0, 255, (height, width, 3), np.uint8)
        cv2.imwrite(str(folder / f"{number:02d}.png"), noise)
        words = "paper, rain" if number < 7 else "paper"
        (folder / f"{number:02d}.txt").write_text(words, encoding="utf-8")
    return sorted(folder.glob("*.png"))


def train(
    studio: Studio, pictures: list[Path], config: TrainStyleConfig = CONFIG, name: str = "Ink Rain"
) -> list[Event]:
    captions = read_captions(pictures, config)
    return [*follow(studio, studio.style_trainings.begin(name, pictures, captions, config))]


def follow(studio: Studio, events: Iterator[Event]) -> Iterator[Event]:
    host = studio.host
    assert isinstance(host, TaggingHost)
    for event in events:
        host.steps = event.step if isinstance(event, Step) else host.steps
        yield event


def test_pictures_become_a_style_with_a_lora(studio: Studio, pictures: list[Path]) -> None:
    events = train(studio, pictures)
    finished = events[-1]
    assert isinstance(finished, TrainingFinished)
    assert [e.name for e in events if isinstance(e, Stage)] == ["prepare", "cache", "train"]
    assert len([e for e in events if isinstance(e, PhotoPrepared)]) == 10
    assert [e.step for e in events if isinstance(e, Step)] == [1, 2, 3]
    closeness = [e.similarity for e in events if isinstance(e, Preview)]
    assert all(0 < each <= 1 for each in closeness)
    assert finished.steps == (3,)
    assert finished.similarity == pytest.approx(closeness[-1])
    style = studio.styles["ink-rain"]
    assert style.title == "Ink Rain"
    assert style.prompt == "{person}, fclook, rain"
    assert style.style_lora == finished.lora.name
    assert (style.style_lora_weight, style.fusion_strength) == (0.8, None)
    assert style.preview.startswith("data:image/jpeg;base64,")
    assert studio.shelf.why_unfit(style) == ""
    assert find_style_lora(style, studio.host.paths.lora_dir, "sd1") is not None


def test_the_lora_tells_how_it_was_trained(studio: Studio, pictures: list[Path]) -> None:
    config = TrainStyleConfig(**QUICK, resolution=192)
    finished = train(studio, pictures, config)[-1]
    assert isinstance(finished, TrainingFinished)
    with safe_open(str(finished.lora.path), framework="pt") as file:
        metadata = file.metadata()
        names = [*file.keys()]
    buckets = json.loads(metadata["ss_bucket_info"])
    assert [*buckets["buckets"].values()] == [
        {"resolution": [128, 256], "count": 4},
        {"resolution": [192, 192], "count": 6},
    ]
    assert buckets["mean_img_ar_error"] == 0
    frequency = json.loads(metadata["ss_tag_frequency"])
    assert [*frequency.values()] == [{"fclook": 10, "paper": 10, "rain": 7}]
    assert metadata["ss_network_dim"] == "2"
    assert float(metadata["ss_learning_rate"]) == pytest.approx(1e-3)
    assert metadata["facechain.person"] == ""
    assert all(name.startswith("lora_unet_") for name in names)
    card = json.loads(finished.lora.path.with_suffix(".json").read_text(encoding="utf-8"))
    assert (card["activation text"], card["preferred weight"]) == ("fclook", 0.8)
    assert finished.lora.path.with_suffix(".preview.png").is_file()


def test_a_stopped_training_goes_on_to_the_same_end(
    studio: Studio, host: TaggingHost, pictures: list[Path]
) -> None:
    config = TrainStyleConfig(**QUICK, resolution=192)
    whole = train(studio, pictures, config, "Whole")[-1]
    assert isinstance(whole, TrainingFinished)
    host.stop_at, host.steps = 1, 0
    with pytest.raises(Cancelled):
        train(studio, pictures, config)
    host.stop_at = None
    assert "ink-rain" not in studio.styles
    stopped = studio.style_trainings.resumable("Ink Rain")
    assert stopped is not None
    assert (stopped.step, stopped.total) == (1, 3)
    host.busy = True  # every step in a slice of its own
    finished = [*studio.style_trainings.resume("Ink Rain")][-1]
    assert isinstance(finished, TrainingFinished)
    assert finished.lora.sha256 == whole.lora.sha256
    assert studio.style_trainings.resumable("Ink Rain") is None
    told = studio.style_trainings.finished("ink-rain", stopped.run)
    assert told is not None
    assert next(told).lora.path == finished.lora.path  # type: ignore[union-attr]


def test_a_training_goes_on_with_its_own_checkpoint_alone(
    studio: Studio, host: TaggingHost, pictures: list[Path]
) -> None:
    host.stop_at = 1
    with pytest.raises(Cancelled):
        train(studio, pictures)
    host.stop_at = None
    host.current = CheckpointRef("another", Path("another.safetensors"))
    with pytest.raises(ModelUnavailable, match="Ink Rain was begun on"):
        next(studio.style_trainings.resume("Ink Rain"))


def test_a_second_try_goes_on_where_the_first_broke_off(
    studio: Studio, host: TaggingHost, pictures: list[Path]
) -> None:
    trainings = studio.style_trainings
    assert trainings.go_on("Ink Rain", 0, CONFIG) is None
    for _ in trainings.keeping.keep("Ink Rain", pictures, (), CONFIG):
        pass
    since = trainings.looks.get("Ink Rain").kept_at
    assert trainings.go_on("Ink Rain", since + 1000, CONFIG) is None
    again = trainings.go_on("Ink Rain", since, CONFIG)
    assert again is not None
    lora = [*again][-1]
    told = trainings.go_on("Ink Rain", since, CONFIG)
    assert told is not None
    assert [*told][-1].lora.name == lora.lora.name  # type: ignore[union-attr]


def test_captions_are_edited_and_trained_on_again(studio: Studio, pictures: list[Path]) -> None:
    train(studio, pictures)
    look = studio.style_trainings.looks.get("Ink Rain")
    look.set_captions({path.stem: "sea" for path in look.pictures()[:6]})
    with pytest.raises(InvalidInput, match="no picture 'zzz'"):
        look.set_captions({"zzz": "sea"})
    told = {"trigger_word": "inky", "shot": "ink drawing of", "most_fusion": 0.0}
    finished = train(studio, [], TrainStyleConfig(**QUICK, **told, style_weight=0.5))[-1]
    assert isinstance(finished, TrainingFinished)
    style = studio.styles["ink-rain"]
    assert style.prompt == "{person}, inky, sea"
    assert (style.shot, style.style_lora_weight, style.fusion_strength) == (
        *("ink drawing of", 0.5),
        0.0,
    )
    assert style.style_lora == finished.lora.name
    assert [run.lora for run in studio.style_trainings.looks.get("ink rain").manifest.runs][1] == (
        finished.lora.path.name
    )


@pytest.mark.parametrize(
    ("captions", "tags", "kept"),
    [
        ("auto", ["long_coat", "paper"], ["paper, rain", "long coat, paper"]),
        ("auto", None, ["paper, rain", ""]),
        ("files", ["long_coat"], ["paper, rain", ""]),
        ("tags", ["long_coat"], ["long coat", "long coat"]),
        ("none", ["long_coat"], ["", ""]),
    ],
)
def test_captions_come_from_where_they_are_asked_for(
    studio: Studio,
    host: TaggingHost,
    pictures: list[Path],
    captions: str,
    tags: list[str] | None,
    kept: list[str],
) -> None:
    host.tags = tags
    pictures[1].with_suffix(".txt").unlink()
    config = TrainStyleConfig(captions=captions)
    told = read_captions(pictures, config)
    for _ in studio.style_trainings.keeping.keep("Ink", pictures, told, config):
        pass
    look = studio.style_trainings.looks.get("Ink")
    assert [look.caption(path) for path in look.pictures()[:2]] == kept


def test_tags_that_cannot_be_had_are_said(studio: Studio, pictures: list[Path]) -> None:
    with pytest.raises(InvalidInput, match=r"cannot be tagged: No tagger here\."):
        train(studio, pictures, TrainStyleConfig(captions="tags"))
    assert studio.style_trainings.looks.all() == []


@pytest.mark.parametrize("count", [0, 1, 9, 201])
def test_too_few_or_many_pictures_are_refused(
    studio: Studio, pictures: list[Path], count: int
) -> None:
    told = {0: "No picture", 1: "1 picture is too few", 9: "9 pictures are too few", 201: "201 pic"}
    with pytest.raises(InvalidInput, match=told[count]):
        studio.style_trainings.keeping.require("Ink", (pictures * 30)[:count], ())


def test_pictures_that_cannot_be_read_are_told_and_left_out(
    studio: Studio, pictures: list[Path]
) -> None:
    pictures[3].write_bytes(b"no picture")
    with pytest.raises(InvalidInput, match="9 pictures of 10 can be read"):
        train(studio, pictures)
    assert studio.style_trainings.looks.all() == []
    assert [*(studio.host.paths.data_dir / "facechain" / "looks").iterdir()] == []
    more = [*pictures, *pictures[:1]]
    events = [*studio.style_trainings.keeping.keep("Ink", more, (), CONFIG)]
    judged = [event.photo for event in events if isinstance(event, PhotoPrepared)]
    assert [photo.name for photo in judged if not photo.verdict.accepted] == ["03.png"]
    assert len(studio.style_trainings.looks.get("Ink").pictures()) == 10


def test_stopped_before_all_are_kept_none_is(
    studio: Studio, host: TaggingHost, pictures: list[Path]
) -> None:
    host.stop_at = 0
    with pytest.raises(Cancelled, match="while the pictures were read"):
        train(studio, pictures)
    assert studio.style_trainings.looks.all() == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Business", "There is a style 'business' already"),
        ("Kept", "There are pictures of Kept already"),
        ("  ", "cannot name a style"),
        ("x" * 101, "101 letters"),
    ],
)
def test_a_name_that_is_taken_or_none_is_refused(
    studio: Studio, pictures: list[Path], name: str, told: str
) -> None:
    for _ in studio.style_trainings.keeping.keep("Kept", pictures, (), CONFIG):
        pass
    with pytest.raises(InvalidInput, match=told):
        studio.style_trainings.keeping.require(name, pictures, ())


def test_a_model_is_no_picture(studio: Studio, pictures: list[Path], small_folder: Path) -> None:
    with pytest.raises(InvalidInput, match=r"model\.safetensors is a model, not a picture"):
        studio.style_trainings.keeping.require("Ink", [*pictures, Path("model.safetensors")], ())


def test_a_look_is_deleted_with_its_trainings_and_its_style_stays(
    studio: Studio, pictures: list[Path]
) -> None:
    train(studio, pictures)
    looks = studio.style_trainings.looks
    look = looks.get("Ink Rain")
    (run,) = look.begun()
    with run.held(), pytest.raises(InvalidInput, match="being trained on"):
        looks.delete("Ink Rain")
    with run.held(), pytest.raises(Busy):
        next(studio.style_trainings._training(look, None).resume(run))  # type: ignore[arg-type]
    looks.delete("Ink Rain")
    assert not look.folder.exists()
    assert studio.shelf.why_unfit(studio.styles["ink-rain"]) == ""
    with pytest.raises(InvalidInput, match="There are no pictures of a style 'Ink Rain'"):
        looks.get("Ink Rain")
    assert PortraitConfig(style="ink-rain").style in studio.styles
