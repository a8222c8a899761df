"""Templates are found, added, noted and removed, whatever lies in the user's folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Face
from facechain_ext.imaging.still import read_still
from facechain_ext.portrait.numbered import LEAST_WIDTH, MOST_FACES
from facechain_ext.templates.gallery import SHIPPED, Gallery
from facechain_ext.templates.template import notes_of, read_tags

MOST_BYTES = 120_000
"""Of a picture that ships."""


def picture(path: Path, grey: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), (grey, grey, grey)).save(path)
    return path


def face(left: float) -> Face:
    return Face((left, 5, left + 12, 20), np.full((5, 2), left + 6, np.float32), 0.9)


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery(tmp_path / "own", tmp_path / "shipped")


def test_the_users_own_stand_beside_the_shipped(gallery: Gallery, tmp_path: Path) -> None:
    picture(tmp_path / "shipped" / "two.jpg")
    picture(tmp_path / "own" / "two.png")
    picture(tmp_path / "own" / "two.webp")
    picture(tmp_path / "own" / ".hidden.png")
    (tmp_path / "own" / "notes.txt").write_text("no picture")
    found = gallery.now()
    assert {name: each.own for name, each in found.items()} == {"two": True, "two.webp": True}
    assert gallery.get("two").picture.suffix == ".png"


def test_a_missing_folder_holds_none(tmp_path: Path) -> None:
    assert Gallery(tmp_path / "own", tmp_path / "shipped").now() == {}
    assert Gallery(None, tmp_path).now() == {}


def test_a_wrong_name_is_answered_with_the_nearest(gallery: Gallery, tmp_path: Path) -> None:
    picture(tmp_path / "own" / "garden-party.png")
    with pytest.raises(InvalidInput, match=r"no template 'garden-prty'.*mean garden-party"):
        gallery.get("garden-prty")


def test_a_picture_is_kept_under_a_free_name_with_its_tags(
    gallery: Gallery, tmp_path: Path
) -> None:
    first = picture(tmp_path / "Garden Party!.png")
    kept = gallery.keep(first, tags=["Park", " park ", "two  friends"])
    assert (kept.name, kept.title, kept.tags) == (
        "garden-party",
        "Garden Party!",
        ("park", "two friends"),
    )
    assert kept.picture.read_bytes() == first.read_bytes()
    other = gallery.keep(picture(tmp_path / "b" / "Garden Party!.png", grey=7))
    assert other.name == "garden-party-2"
    again = gallery.keep(first, tags=["lawn"])
    assert (again.name, gallery.get("garden-party").tags) == ("garden-party", ("lawn",))
    assert len(gallery.now()) == 2


@pytest.mark.parametrize("name", ["CON", "../../etc", "名前", "a" * 300, "..."])
def test_any_title_makes_a_file_in_the_folder(gallery: Gallery, tmp_path: Path, name: str) -> None:
    content = picture(tmp_path / "a.png").read_bytes()
    kept = gallery.add(content, ".png", name)
    assert kept.picture.parent == tmp_path / "own"
    assert gallery.get(kept.name).title == name
    assert kept.name.casefold() != "con"


def test_words_are_looked_for_in_title_tags_and_faces(gallery: Gallery, tmp_path: Path) -> None:
    kept = gallery.keep(picture(tmp_path / "Café.png"), tags=["evening"])
    gallery.keep(picture(tmp_path / "b.png", grey=7))
    gallery.remember(kept, [face(2), face(30)])
    for words in ("cafe", "EVENING", "2 faces", "evening cafe"):
        assert [each.name for each in gallery.search(words)] == ["café"], words
    assert gallery.search("beach") == []
    assert len(gallery.search()) == 2


def test_faces_are_known_until_the_picture_is_another(gallery: Gallery, tmp_path: Path) -> None:
    kept = gallery.keep(picture(tmp_path / "a.png"))
    assert kept.faces is None
    gallery.remember(kept, [face(2), face(30.25)])
    again = Gallery(tmp_path / "own", tmp_path / "shipped")
    known = again.of_file(kept.picture.read_bytes())
    assert known is not None
    assert known.faces is not None
    assert [each.box for each in known.faces] == [(2, 5, 14, 20), (30.25, 5, 42.25, 20)]
    assert np.array_equal(known.faces[1].landmarks, face(30.25).landmarks)
    picture(kept.picture, grey=8)
    os.utime(kept.picture, ns=(1, 1))
    assert again.get("a").faces is None
    assert again.of_file(b"another") is None


@pytest.mark.parametrize(
    "notes",
    [
        "no json",
        "[]",
        "[" * 5000,
        '{"tags": "park"}',
        '{"tags": 5}',
        '{"sha256": "{sum}", "faces": [{"box": [1, 2, 3]}]}',
        '{"sha256": "{sum}", "faces": [{"box": [9, 9, 1, 1], "landmarks": [], "score": 1}]}',
        '{"sha256": "{sum}", "faces": [{"box": [0, 0, 1e99, 9], "landmarks": [], "score": 1}]}',
        '{"sha256": "{sum}", "faces": 7}',
    ],
)
def test_damaged_notes_cost_the_notes_alone(
    gallery: Gallery, tmp_path: Path, notes: str, caplog: pytest.LogCaptureFixture
) -> None:
    kept = gallery.keep(picture(tmp_path / "a.png"))
    notes_of(kept.picture).write_text(notes.replace("{sum}", kept.sha256))
    found = gallery.get("a")
    assert (found.title, found.faces) == ("a", None)
    assert "damaged" in caplog.text


def test_one_that_ships_stays_and_ones_own_goes_with_its_notes(
    gallery: Gallery, tmp_path: Path
) -> None:
    picture(tmp_path / "shipped" / "two.jpg")
    kept = gallery.keep(picture(tmp_path / "a.png"))
    with pytest.raises(InvalidInput, match="two ships"):
        gallery.remove("two")
    gallery.remove("a")
    assert not kept.picture.exists()
    assert [*(tmp_path / "own").iterdir()] == []


def test_what_cannot_be_a_template_is_not_kept(gallery: Gallery, tmp_path: Path) -> None:
    printed = tmp_path / "print.jpg"
    Image.new("CMYK", (64, 48)).save(printed)
    with pytest.raises(InvalidInput, match="CMYK"):
        gallery.keep(printed)
    assert gallery.now() == {}


@pytest.mark.parametrize("tags", [["x" * 41], [str(n) for n in range(21)]])
def test_tags_have_bounds(tags: list[str]) -> None:
    with pytest.raises(InvalidInput, match="At most 20 tags of 40 letters"):
        read_tags(tags)


def shipped() -> list[Any]:
    return [*Gallery().now().values()]


def test_what_ships_is_small_whole_and_starts_at_once() -> None:
    assert {1, 2, 3} <= {len(each.faces or ()) for each in shipped()}
    for each in shipped():
        assert each.picture.suffix == ".jpg"
        assert each.picture.stat().st_size < MOST_BYTES, each.name
        assert each.tags, each.name
        height, width = read_still(each.picture).pixels.shape[:2]
        assert each.faces is not None, each.name
        assert 1 <= len(each.faces) <= MOST_FACES
        lefts = [one.box[0] + one.box[2] for one in each.faces]
        assert lefts == sorted(lefts), each.name
        for one in each.faces:
            assert min(one.width, one.height) >= LEAST_WIDTH
            assert 0 <= one.box[0] < one.box[2] <= width
            assert 0 <= one.box[1] < one.box[3] <= height


def test_nothing_lies_beside_the_shipped_pictures_but_their_notes() -> None:
    names = {path.name for path in SHIPPED.iterdir()}
    pictures = {name for name in names if name.endswith(".jpg")}
    assert names == pictures | {f"{name}.json" for name in pictures}
    for name in names - pictures:
        assert set(json.loads((SHIPPED / name).read_text(encoding="utf-8"))) == {
            "title",
            "tags",
            "sha256",
            "faces",
        }
