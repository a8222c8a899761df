"""Steps that run out of memory are taken again by a smaller plan, on the same data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from facechain_ext.base.errors import OutOfMemory
from facechain_ext.config import TrainConfig
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.adapter import inject
from facechain_ext.training.batches import Batch, Batches, TrainingData
from facechain_ext.training.engine import Engine
from facechain_ext.training.loss import batch_loss
from facechain_ext.training.memory import Plan, Planner

pytestmark = pytest.mark.slow(10)

CONFIG = TrainConfig(train_batch_size=4, target_modules="attention", caption_dropout=0.0)
STEPS = 3


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Let memory run out where more pictures than `limit` are worked on, from a call on."""

    def limit(most: int, *, after: int = 0, checkpointed: bool = True) -> list[int]:
        sizes: list[int] = []

        def loss(model: Any, batch: Batch, *args: Any, **kwargs: Any) -> Tensor:
            sizes.append(len(batch))
            block = next(m for m in model.unet.modules() if type(m).__name__ == "ResnetBlock2D")
            too_much = len(batch) > most or (checkpointed and "forward" not in block.__dict__)
            if len(sizes) > after and too_much:
                raise torch.cuda.OutOfMemoryError("tried to allocate")
            return batch_loss(model, batch, *args, **kwargs)

        monkeypatch.setattr("facechain_ext.training.engine.batch_loss", loss)
        return sizes

    return limit


def train(
    model: DiffusersModel,
    data: TrainingData,
    config: TrainConfig = CONFIG,
    *,
    meanwhile: Callable[[Engine], object] = lambda engine: None,
) -> tuple[list[float], list[Tensor], Plan]:
    """Take a few steps; return their pictures' losses, the trained weights and the last plan."""

    def batches() -> Batches:
        size = config.train_batch_size * config.gradient_accumulation_steps
        return Batches(data, batch_size=size, caption_dropout=0.0, timesteps=1000, seed=1)

    planner, stream = Planner.of(model, config, free=None), batches()
    with (
        inject(model, "attention", rank=2, alpha=2, seed=0) as adapter,
        Engine(
            model,
            adapter.parameters(),
            config,
            planner=planner,
            example=lambda: batches().draw(),
        ) as engine,
    ):
        losses = []
        for _ in range(STEPS):
            losses += engine.step(stream.draw(), learning_rate=1e-3).tolist()
            meanwhile(engine)
        weights = [parameter.detach().clone() for parameter in adapter.parameters()]
        return losses, weights, engine.plan


def assert_close(one: list[Tensor], other: list[Tensor]) -> None:
    for mine, theirs in zip(one, other, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(("most", "calls"), [(2, 0), (1, 1)])
def test_the_batch_is_halved_and_the_same_step_taken(
    small_model: DiffusersModel,
    data: TrainingData,
    limited: Callable[..., list[int]],
    most: int,
    calls: int,
) -> None:
    losses, weights, _ = train(small_model, data)
    sizes = limited(most, after=calls, checkpointed=False)
    small_losses, small_weights, plan = train(small_model, data)
    assert plan.micro_batch == most
    assert small_losses == pytest.approx(losses, rel=1e-5)
    assert_close(small_weights, weights)
    assert sizes[-4 // most :] == [most] * (4 // most)


def test_at_last_blocks_are_checkpointed(
    small_model: DiffusersModel, data: TrainingData, limited: Callable[..., list[int]]
) -> None:
    losses, weights, _ = train(small_model, data)
    limited(4, after=1)
    small_losses, small_weights, plan = train(small_model, data)
    assert plan.checkpointing
    assert small_losses == pytest.approx(losses, rel=1e-5)
    assert_close(small_weights, weights)
    assert all("forward" not in module.__dict__ for module in small_model.unet.modules())


def test_when_nothing_fits_the_user_is_told_with_numbers(
    small_model: DiffusersModel, data: TrainingData, limited: Callable[..., list[int]]
) -> None:
    limited(0)
    with pytest.raises(OutOfMemory, match=r"needs about \d+\.\d GiB"):
        train(small_model, data)
    assert not hasattr(small_model.unet, "peft_config")
    assert all("forward" not in module.__dict__ for module in small_model.unet.modules())


@pytest.mark.parametrize("kind", [OutOfMemory, torch.cuda.OutOfMemoryError])
def test_samples_that_do_not_fit_are_drawn_while_the_step_gives_up_its_memory(
    small_model: DiffusersModel, data: TrainingData, kind: type[Exception]
) -> None:
    asked: list[bool] = []

    def draw(one_by_one: bool) -> str:
        asked.append(one_by_one)
        if not one_by_one:
            raise kind("tried to allocate")
        return "drawn"

    def drawing(engine: Engine) -> None:
        assert engine.draw(draw) == "drawn"

    unbroken = train(small_model, data)
    broken = train(small_model, data, meanwhile=drawing)
    assert asked == [False, *[True] * STEPS], "what did not fit once was tried again"
    assert broken[0] == unbroken[0]
    assert all(map(torch.equal, broken[1], unbroken[1]))


def test_a_state_can_be_saved_where_samples_do_not_fit_at_all(
    small_model: DiffusersModel, data: TrainingData
) -> None:
    def draw(one_by_one: bool) -> None:
        raise OutOfMemory("no room")

    def drawing(engine: Engine) -> None:
        before = engine.state()
        with pytest.raises(OutOfMemory, match="no room"):
            engine.draw(draw)
        after = engine.state()
        assert before.keys() == after.keys()
        assert all(before[key].equal(after[key]) for key in before)

    train(small_model, data, meanwhile=drawing)


def test_accumulated_batches_are_one_larger_batch(
    small_model: DiffusersModel, data: TrainingData
) -> None:
    at_once = train(small_model, data)
    config = replace(CONFIG, train_batch_size=1, gradient_accumulation_steps=4)
    in_parts = train(small_model, data, config)
    assert (at_once[2].micro_batch, in_parts[2].micro_batch) == (4, 1)
    assert in_parts[0] == pytest.approx(at_once[0], rel=1e-5)
    assert_close(in_parts[1], at_once[1])


@pytest.mark.parametrize(
    ("changes", "reached"),
    [
        ({"gradient_checkpointing": "on"}, lambda plan: plan.checkpointing),
        ({"gradient_checkpointing": "off"}, lambda plan: not plan.checkpointing),
        ({"low_memory": True}, lambda plan: plan.checkpointing and plan.micro_batch == 1),
    ],
)
def test_options_reach_the_plan_and_change_no_result(
    small_model: DiffusersModel,
    data: TrainingData,
    changes: dict[str, Any],
    reached: Callable[[Plan], bool],
) -> None:
    plain = train(small_model, data)
    losses, weights, plan = train(small_model, data, replace(CONFIG, **changes))
    assert reached(plan)
    assert losses == pytest.approx(plain[0], rel=1e-5)
    assert_close(weights, plain[1])
