"""Several templates as one work, over templates that come out as they are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from facechain_ext.base.errors import Cancelled, NoPortraitFound
from facechain_ext.base.events import Candidate, Drawing, Event, PortraitsFinished, Stage
from facechain_ext.base.records import Photo, Portrait, Rejection, Score
from facechain_ext.config import TemplateConfig
from facechain_ext.jobs.template_work import MakeTemplate
from facechain_ext.jobs.work import Attempt
from facechain_ext.studio.template_batch import Batch, Order

CONFIG = TemplateConfig(candidates=2)


def portrait(seed: int, rejection: Rejection | None = None) -> Portrait:
    return Portrait(np.zeros((4, 4, 3), np.uint8), Score(0.5, rejection), seed, "")


class Painter:
    """Paints two candidates of each template; those of these names fail in their way."""

    def __init__(self, **failing: Exception) -> None:
        self.failing = failing

    def make(self, template: Photo, cast: Any, config: Any, tell: Any) -> Iterator[Event]:
        yield Stage("face 1: Ana", 2)
        if tell is not None:
            tell(Drawing(1, 2, 3, 4))
        yield Candidate(1, 2)
        error = self.failing.get(template.name)
        if isinstance(error, Cancelled):
            raise error
        yield Candidate(2, 2)
        seed = int(template.name[1:])
        ranked = () if error else (portrait(seed),)
        aside = (portrait(9, Rejection.SEAM),) if error else ()
        yield PortraitsFinished(ranked, (), aside, {"paint": 1.5}, (f"note of {template.name}",))
        if error is not None:
            raise error


def batch(painter: Painter, *names: str) -> Batch:
    photos = [Photo(name, np.zeros((4, 4, 3), np.uint8)) for name in names]
    templates: Any = painter
    return Batch(templates, [Order(photo, {1: "Ana"}) for photo in photos], CONFIG)


def test_all_are_painted_in_turn_with_one_outcome() -> None:
    drawn: list[Drawing] = []
    *events, last = batch(Painter(), "t1", "t2", "t3").make(drawn.append)
    assert [event.name for event in events if isinstance(event, Stage)] == [
        "face 1: Ana in t1 (1 of 3)",
        "face 1: Ana in t2 (2 of 3)",
        "face 1: Ana in t3 (3 of 3)",
    ]
    told = [(event.done, event.total) for event in events if isinstance(event, Candidate)]
    assert told == [(n, 6) for n in range(1, 7)]
    assert [(each.picture, each.pictures) for each in drawn] == [(1, 6), (3, 6), (5, 6)]
    assert isinstance(last, PortraitsFinished)
    assert [each.seed for each in last.ranked] == [1, 2, 3]
    assert last.seconds == {"paint": 4.5}
    assert last.notes == ("note of t1", "note of t2", "note of t3")


def test_one_that_never_comes_out_keeps_no_other_from_it() -> None:
    painter = Painter(t1=NoPortraitFound("No candidate is good enough."))
    *_, last = batch(painter, "t1", "t2").make()
    assert isinstance(last, PortraitsFinished)
    assert [each.seed for each in last.ranked] == [2]
    assert len(last.rejected) == 1
    assert "t1: No candidate is good enough." in last.notes


def test_where_nothing_came_of_any_it_is_said_of_all() -> None:
    painter = Painter(t1=NoPortraitFound("First."), t2=NoPortraitFound("Second."))
    seen: list[Event] = []
    with pytest.raises(NoPortraitFound, match=r"t1: First\. t2: Second\."):
        seen.extend(batch(painter, "t1", "t2").make())
    events: list[Event] = []
    with pytest.raises(NoPortraitFound):
        for event in batch(painter, "t1", "t2").make():
            events.append(event)  # noqa: PERF402
    assert isinstance(events[-1], PortraitsFinished)
    assert len(events[-1].rejected) == 2


def test_what_was_painted_before_a_stop_is_set_aside() -> None:
    events: list[Event] = []
    with pytest.raises(Cancelled):
        for event in batch(Painter(t2=Cancelled("stopped")), "t1", "t2").make():
            events.append(event)  # noqa: PERF402
    last = events[-1]
    assert isinstance(last, PortraitsFinished)
    assert (last.ranked, [each.seed for each in last.spare]) == ((), [1])
    assert last.stopped


def test_a_picture_is_drawn_of_words_and_people_are_seated_in_it() -> None:
    """The scene is a template from then on, read and looked at as any other."""
    scene = Photo("scene.png", np.zeros((4, 4, 3), np.uint8))
    seen: list[object] = []

    class Scenes:
        def draw(self, words: str, people: int, *_: object) -> Any:
            seen.append((words, people))
            yield Stage("draw the scene", 4)
            return SimpleNamespace(picture=Path("scene.png"))

    def make(template: Photo, cast: Any, *_: object) -> Iterator[Event]:
        seen.append((template.name, cast))
        yield PortraitsFinished((), (), ())

    templates = SimpleNamespace(
        read=lambda path: scene, seat=lambda photo, who: dict(enumerate(who, 1)), make=make
    )
    studio: Any = SimpleNamespace(scenes=Scenes(), templates=templates)
    work = MakeTemplate.from_words(" a pair ", ["Ana", "Ben"], CONFIG)
    events = list(work._painted(studio, Attempt(lambda event: None)))
    assert events[0] == Stage("draw the scene", 4)
    assert seen == [("a pair", 2), ("scene.png", {1: "Ana", 2: "Ben"})]
