"""Scenes from words, over a host that draws what it is told to and a detector that counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput, NoPortraitFound
from facechain_ext.base.events import Candidate, PortraitsFinished, Stage
from facechain_ext.base.host import CheckpointRef, GeneratedImage, GenerationRequest, Unavailable
from facechain_ext.base.records import Face
from facechain_ext.config import TemplateConfig
from facechain_ext.diffusion.checkpoint import MINI_COMPONENTS
from facechain_ext.imaging.decode import read_png_text
from facechain_ext.imaging.still import read_still
from facechain_ext.studio.scenes import Scenes, scene_width
from facechain_ext.templates.gallery import Gallery

CONFIG = TemplateConfig(candidates=2, attempts=2, seed=7, steps=5)


def face(left: float, score: float = 0.9, side: float = 60) -> Face:
    return Face((left, 0, left + side, side), np.zeros((5, 2), np.float32), score)


class Painter:
    """Draws a grey picture for every request; checkpoint: a full-size one unless told."""

    def __init__(self, checkpoint: Path = Path("other.safetensors")) -> None:
        self.requests: list[GenerationRequest] = []
        self.checkpoint = checkpoint

    def generate(self, request: GenerationRequest, on_step: Any) -> Iterator[GeneratedImage]:
        self.requests.append(request)
        (seed,) = request.seeds
        pixels = np.full((request.height, request.width, 3), seed, np.uint8)
        on_step(0, 1, 5)
        yield GeneratedImage(pixels, seed, f"{request.prompt}\nSteps: 5, Seed: {seed}")

    def current_checkpoint(self) -> CheckpointRef:
        return CheckpointRef("one", self.checkpoint)

    def preview(self) -> None:
        return None

    def upscale(self, pixels: Any, size: int) -> Unavailable:
        return Unavailable("not here")


class Counting:
    """A detector that finds these faces, one list a look."""

    def __init__(self, *found: list[Face]) -> None:
        self.detector = self
        self.found = iter(found)

    def detect(self, pixels: Any) -> list[Face]:
        return next(self.found)


def scenes(tmp_path: Path, painter: Painter, *found: list[Face]) -> Scenes:
    host: Any = painter
    nets: Any = Counting(*found)
    return Scenes(host, nets, Gallery(tmp_path / "own", tmp_path / "none"))


def drawn(made: Scenes, people: int, words: str = "three friends in a park") -> tuple[Any, Any]:
    kept: list[Any] = []
    told: list[Any] = []

    def follow() -> Any:
        kept.append((yield from made.draw(words, people, CONFIG, told.append)))

    events = list(follow())
    return kept[0], events


def test_scenes_are_drawn_until_one_shows_everybody_clearly(tmp_path: Path) -> None:
    painter = Painter()
    looks = [face(0), face(90)], [face(0), face(90, score=0.6)], [face(0), face(90), face(180)]
    made = scenes(tmp_path, painter, *looks)
    template, events = drawn(made, 3)
    assert events == [Stage("draw the scene", 4), *(Candidate(n, 4) for n in (1, 2, 3))]
    assert [request.seeds for request in painter.requests] == [(7,), (8,), (9,)]
    assert (template.name, template.tags) == ("three-friends-in-a-park", ("drawn",))
    assert (read_still(template.picture).pixels == 9).all()
    text = read_png_text(template.picture.read_bytes())
    assert text["parameters"].startswith("three friends in a park\nSteps: 5")
    assert made.gallery.get(template.name).own


def test_where_none_does_all_are_set_aside_and_nothing_is_kept(tmp_path: Path) -> None:
    made = scenes(tmp_path, Painter(), *[[face(0)], [face(0, side=30), face(50)], [], [face(0)]])
    events: list[Any] = []
    with pytest.raises(NoPortraitFound, match="None of 4 pictures of these words shows 2 faces"):
        for event in made.draw("a pair", 2, CONFIG):
            events.append(event)  # noqa: PERF402
    assert isinstance(events[-1], PortraitsFinished)
    assert [each.seed for each in events[-1].rejected] == [7, 8, 9, 10]
    assert made.gallery.now() == {}


def test_a_crowd_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    painter = Painter()
    with pytest.raises(InvalidInput, match="8 people at most, not 9"):
        list(scenes(tmp_path, painter).draw("a crowd", 9, CONFIG))
    assert painter.requests == []


def test_what_the_mini_draws_is_enlarged(tmp_path: Path) -> None:
    painter = Painter(MINI_COMPONENTS / "facechain-mini.safetensors")
    template, _ = drawn(scenes(tmp_path, painter, [face(0), face(90)]), 2)
    (request,) = painter.requests
    assert (request.width, request.height) == (320, 192)
    assert read_still(template.picture).pixels.shape == (512, 853, 3)


@pytest.mark.parametrize(
    ("people", "side", "heads", "width"),
    [
        (1, 512, False, 512),
        (2, 512, False, 768),
        (3, 1024, False, 1792),
        (1, 192, True, 192),
        (2, 192, True, 320),
        (3, 192, True, 416),
        (4, 192, True, 512),
    ],
)
def test_a_picture_is_wider_for_more_people(
    people: int, side: int, heads: bool, width: int
) -> None:
    assert scene_width(people, side, heads=heads) == width
