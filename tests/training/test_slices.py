"""A training that is broken into slices, or off and on again, ends as an unbroken one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from facechain_ext.base.errors import Cancelled
from facechain_ext.base.events import CheckpointSaved, Event, Preview, Step
from facechain_ext.config import TrainConfig
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.training.batches import TrainingData
from facechain_ext.training.select import Chosen, Selection
from facechain_ext.training.state import TrainingState, load_state, save_state
from facechain_ext.training.trainer import Outcome, Training
from tests.training.conftest import Lend, training

pytestmark = pytest.mark.slow(15)

CONFIG = TrainConfig(
    max_train_steps=7,
    train_batch_size=4,
    rank=2,
    snapshot_every=3,
    samples_per_snapshot=1,
    lr_warmup_steps=1,
    caption_dropout=0.3,
    state_every=2,
)
New = Callable[..., Training]


@pytest.fixture
def unbroken(new: New, lend: Lend) -> tuple[list[Event], Chosen]:
    return in_slices(new(), lend)


@pytest.fixture
def new(data: TrainingData, tmp_path: Path) -> New:
    return partial(training, data=data, config=CONFIG, out_dir=tmp_path / "run")


def follow(work: Generator[Event, None, Outcome], events: list[Event]) -> Outcome:
    outcome: list[Outcome] = []

    def whole() -> Iterator[Event]:
        outcome.append((yield from work))

    events.extend(whole())
    return outcome[0]


def in_slices(training: Training, lend: Callable[[], DiffusersModel]) -> tuple[list[Event], Chosen]:
    events: list[Event] = []
    outcome = follow(training.slice(lend()), events)
    while isinstance(outcome, TrainingState):
        outcome = follow(training.slice(lend(), outcome), events)
    return events, outcome


def told(events: list[Event]) -> list[object]:
    """What events say, but for speed."""
    facts: list[object] = []
    for event in events:
        if isinstance(event, Step):
            facts.append((event.step, event.loss, event.learning_rate))
        elif isinstance(event, Preview):
            facts.append((event.step, event.similarities, event.images[0].tobytes()))
        elif isinstance(event, CheckpointSaved):
            facts.append((event.step, event.path.name))
    return facts


def assert_same(one: Chosen, other: Chosen) -> None:
    assert (one.steps, one.similarity) == (other.steps, other.similarity)
    assert one.state.keys() == other.state.keys()
    assert all(torch.equal(one.state[key], other.state[key]) for key in one.state)


@pytest.mark.parametrize("waits", [{1, 2, 3, 4, 5, 6}, {3}])
@pytest.mark.parametrize("selection", ["last", "average"])
def test_slices_on_models_loaded_anew_end_as_an_unbroken_run(
    new: New, lend: Lend, waits: set[int], selection: Selection
) -> None:
    config = replace(CONFIG, selection=selection)
    plain_events, plain = in_slices(new(config=config), lend)
    done: list[Event] = []
    lent: list[DiffusersModel] = []

    def others_waiting() -> bool:
        return sum(isinstance(event, Step) for event in done) in waits

    training = new(config=config, others_waiting=others_waiting)
    outcome: Outcome | None = None
    while not isinstance(outcome, Chosen):
        lent.append(lend())
        outcome = follow(training.slice(lent[-1], outcome), done)
    assert len(lent) == 1 + len(waits)
    assert told(done) == told(plain_events)
    assert_same(outcome, plain)
    weights = lend().unet.state_dict()
    for model in lent:
        left = model.unet.state_dict()
        assert left.keys() == weights.keys()
        assert all(torch.equal(left[key], weights[key]) for key in weights)


def test_whoever_waits_for_ever_does_not_stop_the_training(
    new: New, lend: Lend, unbroken: tuple[list[Event], Chosen]
) -> None:
    events, chosen = in_slices(new(others_waiting=lambda: True), lend)
    assert told(events) == told(unbroken[0])
    assert_same(chosen, unbroken[1])


def test_slices_with_pictures_left_out_end_as_an_unbroken_run(new: New, lend: Lend) -> None:
    config = replace(CONFIG, prune_ratio=0.9, max_train_steps=15)
    plain_events, plain = in_slices(new(config=config), lend)
    events, chosen = in_slices(new(config=config, others_waiting=lambda: True), lend)
    assert told(events) == told(plain_events)
    assert_same(chosen, plain)
    steps = [event.step for event in events if isinstance(event, Step)]
    assert steps == sorted(set(steps))
    assert len(steps) < steps[-1] == 15
    saved = [event.step for event in events if isinstance(event, CheckpointSaved)]
    assert [step // 3 for step in saved] == [1, 2, 3, 4, 5]


def test_slices_with_pictures_of_several_sizes_end_as_an_unbroken_run(new: New, lend: Lend) -> None:
    sizes = torch.tensor([[8, 8], [8, 4], [8, 8], [8, 4], [4, 8], [8, 8]])
    plain_events, plain = in_slices(new(sizes=sizes), lend)
    events, chosen = in_slices(new(sizes=sizes, others_waiting=lambda: True), lend)
    assert told(events) == told(plain_events)
    assert_same(chosen, plain)
    assert [event.step for event in events if isinstance(event, Step)] == [*range(1, 8)]


def test_what_was_cancelled_goes_on_from_its_file(
    new: New, lend: Lend, unbroken: tuple[list[Event], Chosen], tmp_path: Path
) -> None:
    """Cancelled before a step or in the middle of a sample, it ends as if it had not been."""
    path, broken_off = tmp_path / "run" / "state.safetensors", 0
    for asked in (0, 2, 5, 8, 12):
        calls = iter([False] * asked)
        cancelling = new(
            cancelled=lambda calls=calls: next(calls, True),
            keep=lambda state: save_state(path, state),
        )
        with pytest.raises(Cancelled):
            in_slices(cancelling, lend)
        broken_off = max(broken_off, load_state(path).step)
        events: list[Event] = []
        outcome = follow(new().slice(lend(), load_state(path)), events)
        assert isinstance(outcome, Chosen)
        assert_same(outcome, unbroken[1])
        assert told(events) == told(unbroken[0])[-len(events) :]
    assert broken_off == 7


def test_a_closed_generator_leaves_its_state(
    new: New, lend: Lend, unbroken: tuple[list[Event], Chosen]
) -> None:
    for events_seen in (1, 4, 5):
        kept: list[TrainingState] = []
        work = new(keep=kept.append).slice(lend())
        for _ in range(events_seen):
            next(work)
        work.close()
        outcome = follow(new().slice(lend(), kept[-1]), [])
        assert isinstance(outcome, Chosen)
        assert_same(outcome, unbroken[1])


def test_states_are_kept_as_often_as_asked(new: New, lend: Lend) -> None:
    kept: list[TrainingState] = []
    in_slices(new(keep=kept.append), lend)
    assert [state.step for state in kept] == [0, 2, 4, 6]
    assert [len(state.snapshots) for state in kept] == [0, 0, 1, 2]
