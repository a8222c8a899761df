"""Test reading portraits and labels for the mini checkpoint, on drawn pictures."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.mini import data
from tools.mini.label import Sight, clothes, hair, hair_length, look


def draw(folder: Path, count: int, size: int = data.SIZE) -> Path:
    """Write `count` flat pictures, the first the darkest, and their labels."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = []
    for i in range(count):
        name = f"{i:05}.webp"
        Image.new("RGB", (size, size), (5 * i, 5 * i, 5 * i)).save(folder / name, lossless=True)
        labels.append({"file": name, "style": "color" if i % 2 else "bw", "sharp": 400.0})
    text = "".join(json.dumps(label) + "\n" for label in labels)
    (folder / data.LABELS).write_text(text)
    return folder


def pack(folder: Path, tar: Path) -> Path:
    """Pack a folder's files into a compressed tar file."""
    with tarfile.open(tar, "w:gz") as out:
        for file in sorted(folder.iterdir(), reverse=True):
            info = tarfile.TarInfo(file.name)
            info.size = file.stat().st_size
            out.addfile(info, io.BytesIO(file.read_bytes()))
    return tar


def test_folder_and_tar_give_the_same_in_label_order(tmp_path: Path) -> None:
    folder = draw(tmp_path / "portraits", 20)
    loaded = data.load(folder)
    packed = data.load(pack(folder, tmp_path / "portraits.tar.gz"))
    assert loaded.images.shape == (20, data.SIZE, data.SIZE, 3)
    assert loaded.images.dtype == np.uint8
    assert loaded.images[:, 0, 0, 0].tolist() == [5 * i for i in range(20)]
    assert np.array_equal(loaded.images, packed.images)
    assert loaded.labels == packed.labels


def test_every_18th_is_held_back_and_never_drawn(tmp_path: Path) -> None:
    loaded = data.load(draw(tmp_path, 37))
    assert np.flatnonzero(loaded.held_out).tolist() == [0, 18, 36]
    assert (loaded.weights[loaded.held_out] == 0).all()
    assert (loaded.weights[~loaded.held_out] > 0).all()
    assert loaded.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("label", "weight"),
    [
        ({}, 1.0),
        ({"gender": "female"}, 2.5),
        ({"gender": "male", "style": "color"}, 1.6),
        ({"sharp": 40.0}, 0.5),
        ({"sharp": None}, 1.0),
        ({"gender": "female", "style": "color", "sharp": 40.0}, 2.0),
    ],
)
def test_draw_weight(label: dict[str, object], weight: float) -> None:
    assert data.draw_weight(label) == pytest.approx(weight)


@pytest.mark.parametrize("place", ["inside", "beside", "named"])
def test_extra_labels_are_merged_by_file_name(tmp_path: Path, place: str) -> None:
    folder = draw(tmp_path / "portraits", 3)
    lines = [{"file": "00002.webp", "hair": "gray"}, {"file": "unknown.webp", "hair": "red"}]
    places = {
        "inside": folder / data.EXTRA_LABELS,
        "beside": tmp_path / data.EXTRA_LABELS,
        "named": tmp_path / "other.jsonl",
    }
    places[place].write_text("".join(json.dumps(line) + "\n" for line in lines))
    loaded = data.load(folder, places[place] if place == "named" else None)
    assert [label.get("hair") for label in loaded.labels] == [None, None, "gray"]
    assert loaded.labels[2]["style"] == "bw"


def test_wrong_sources_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        data.load(tmp_path / "nowhere.tar")
    with pytest.raises(ValueError, match=r"00000\.webp.*64"):
        data.load(draw(tmp_path / "small", 1, size=64))
    folder = draw(tmp_path / "missing", 2)
    (folder / "00001.webp").unlink()
    with pytest.raises(FileNotFoundError, match=r"00001\.webp"):
        data.load(pack(folder, tmp_path / "missing.tar.gz"))


def sight(**seen: object) -> Sight:
    """Describe a colour photo of a woman in which nothing can be named, but for `seen`."""
    nothing: dict[str, object] = {
        "colour": True,
        "female": True,
        "yaw": 0.0,
        "nose": 0.0,
        "hair": 0.0,
        "low_hair": 0.05,
        "cloth": 0.0,
        "hair_lab": None,
        "cloth_lab": None,
        "cloth_light": (0.0, 0.0),
    }
    return Sight(**{**nothing, **seen})  # type: ignore[arg-type]


def test_rules_say_nothing_of_what_is_not_seen() -> None:
    assert [rule(sight()) for rule in (hair, hair_length, clothes, look)] == [None] * 4


@pytest.mark.parametrize(
    ("lab", "name"),
    [
        ((8.0, 1.0, 2.0), "black"),
        ((22.0, 8.0, 14.0), "brown"),
        ((60.0, 1.0, 5.0), "gray"),
        ((60.0, 8.0, 28.0), "blond"),
        ((38.0, 6.0, 12.0), None),
    ],
)
def test_hair_colour(lab: tuple[float, float, float], name: str | None) -> None:
    assert hair(sight(hair=0.4, hair_lab=lab)) == name
    assert hair(sight(hair=0.4, hair_lab=lab, colour=False)) is None


def test_hair_length() -> None:
    assert hair_length(sight(low_hair=0.3, hair=0.9)) == "long"
    assert hair_length(sight(low_hair=0.3, hair=0.9, female=False)) is None
    assert hair_length(sight(low_hair=0.0, hair=0.3)) == "short"
    assert hair_length(sight(low_hair=0.0, hair=0.01)) is None


@pytest.mark.parametrize(
    ("lab", "light", "name"),
    [
        ((10.0, 0.0, 0.0), (5.0, 20.0), "dark"),
        ((90.0, 0.0, 0.0), (85.0, 95.0), "light"),
        ((40.0, 10.0, -40.0), (35.0, 45.0), "blue"),
        ((45.0, 50.0, 30.0), (40.0, 50.0), "red"),
        ((45.0, 60.0, 0.0), (40.0, 50.0), None),
    ],
)
def test_clothes(
    lab: tuple[float, float, float], light: tuple[float, float], name: str | None
) -> None:
    assert clothes(sight(cloth=0.5, cloth_lab=lab, cloth_light=light)) == name


@pytest.mark.parametrize(
    ("yaw", "nose", "side"),
    [(-0.3, -0.2, "left"), (0.3, 0.2, "right"), (0.3, -0.2, None), (0.1, 0.2, None)],
)
def test_look_needs_both_signs(yaw: float, nose: float, side: str | None) -> None:
    assert look(sight(yaw=yaw, nose=nose)) == side
