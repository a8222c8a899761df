"""Plans: what is chosen for how much memory, and what comes after one that did not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import nn

from facechain_ext.base.errors import OutOfMemory
from facechain_ext.config import TrainConfig
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.adapter import inject
from facechain_ext.training.memory import (
    GIB,
    Planner,
    autocast_of,
    free_memory,
    mixed_precision,
    predicted_peak,
    trained_parameters,
)
from facechain_ext.training.parking import Parking

pytestmark = pytest.mark.slow(9)

FULL_SIZE = {
    "sample_size": 64,
    "block_out_channels": [320, 640, 1280, 1280],
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
CONFIG = TrainConfig(train_batch_size=8)


@pytest.fixture
def full_size(tiny_model: DiffusersModel) -> DiffusersModel:
    """Stable Diffusion 1.5's UNet in half precision, without any memory behind it."""
    settings = {**tiny_model.unet.config, **FULL_SIZE}
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(settings).requires_grad_(False)
    return replace(tiny_model, unet=nn.Module.to(unet, torch.bfloat16))


def first(model: DiffusersModel, free: float | None, **changes: Any) -> Any:
    return Planner.of(model, replace(CONFIG, **changes), free=free).first()


def test_where_memory_abounds_the_whole_batch_is_worked_on_at_once(
    full_size: DiffusersModel,
) -> None:
    for free in (None, 80 * GIB):
        plan = first(full_size, free)
        assert (plan.micro_batch, plan.checkpointing, plan.park) == (8, False, False)


def test_less_memory_means_a_slower_plan_that_fits(full_size: DiffusersModel) -> None:
    speeds = []
    for free in (40 * GIB, 12 * GIB, 6 * GIB, 4 * GIB, 2 * GIB):
        plan = first(full_size, free)
        assert plan.peak <= free
        assert plan.batch_size == 8, "a step sees the same pictures by every plan"
        speeds.append(plan.speed)
    assert speeds == sorted(speeds, reverse=True)
    assert len(set(speeds)) > 2


def test_what_pytorch_may_not_take_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    device, told = torch.device("cuda", 0), {"mem_get_info": (70 * GIB, 80 * GIB)}
    told |= {"memory_allocated": 2 * GIB, "memory_reserved": 5 * GIB}
    for name, answer in told.items():
        monkeypatch.setattr(torch.cuda, name, lambda where, answer=answer: answer)
    tell = "get_per_process_memory_fraction"
    monkeypatch.setattr(torch.cuda, tell, lambda where: 1.0, raising=False)
    assert free_memory(device) == 73 * GIB
    monkeypatch.setattr(torch.cuda, tell, lambda where: 0.1)
    assert free_memory(device) == 6 * GIB, "of 8 that it may take, 2 are taken"
    monkeypatch.delattr(torch.cuda, tell)
    assert free_memory(device) == 73 * GIB
    assert free_memory(torch.device("cpu")) is None


def test_low_memory_mode_stays_within_three_gib(full_size: DiffusersModel) -> None:
    plan = first(full_size, 80 * GIB, low_memory=True, rank=128)
    assert (plan.micro_batch, plan.checkpointing) == (1, True)
    assert plan.peak < 3 * GIB


@pytest.mark.parametrize(("chosen", "expected"), [("on", {True}), ("off", {False})])
def test_checkpointing_can_be_decided_by_hand(
    full_size: DiffusersModel, chosen: Any, expected: set[bool]
) -> None:
    planner = Planner.of(full_size, replace(CONFIG, gradient_checkpointing=chosen), free=3 * GIB)
    assert {plan.checkpointing for plan in planner.plans} == expected


def test_every_next_plan_is_smaller_until_there_is_none(full_size: DiffusersModel) -> None:
    planner = Planner.of(full_size, CONFIG, free=1.5 * GIB)
    plan = planner.plans[0]
    with pytest.raises(OutOfMemory, match=r"about 0\.\d GiB.*of 1\.5 GiB"):
        for _ in range(100):
            smaller = planner.after(plan)
            assert planner.need(smaller) < planner.need(plan)
            plan = smaller
    assert (plan.micro_batch, plan.checkpointing, plan.park) == (1, True, True)


def test_accumulation_makes_a_larger_batch_in_the_same_memory(full_size: DiffusersModel) -> None:
    one, four = (first(full_size, None, gradient_accumulation_steps=n) for n in (1, 4))
    assert (one.batch_size, four.batch_size) == (8, 32)
    assert (one.micro_batch, four.micro_batch) == (8, 8)
    assert one.peak == four.peak


def test_a_prediction_grows_with_what_it_must(full_size: DiffusersModel) -> None:
    def peak(micro_batch: int = 2, checkpointing: bool = False, **changes: Any) -> float:
        config = replace(CONFIG, **changes)
        return predicted_peak(
            full_size, config, micro_batch=micro_batch, checkpointing=checkpointing
        )

    assert peak(3) - peak(2) == pytest.approx(peak(2) - peak(1))
    assert peak(resolution=768) > peak()
    assert peak(target_modules="all") > peak(target_modules="attention")
    assert peak(rank=64) > peak(rank=4)
    assert peak(checkpointing=True) < peak() / 3


@pytest.mark.parametrize("kind", ["attention", "all"])
def test_trained_parameters_are_counted_as_they_are_made(
    tiny_model: DiffusersModel, kind: Any
) -> None:
    with inject(tiny_model, kind, rank=3, alpha=1, seed=0) as adapter:
        made = sum(parameter.numel() for parameter in adapter.parameters())
    assert trained_parameters(tiny_model, kind, 3) == made


def test_parked_modules_come_to_work_and_go_home(
    tiny_model: DiffusersModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The meta device stands for the CPU, where nothing can be computed from there."""
    moved: list[str] = []
    to: Callable[..., Any] = torch.nn.Module.to

    def note(module: torch.nn.Module, device: Any) -> torch.nn.Module:
        moved.append(f"{type(module).__name__} to {torch.device(device)}")
        return to(module, device)

    before = {key: value.clone() for key, value in tiny_model.vae.state_dict().items()}
    parking = Parking(tiny_model)
    assert parking.saves > 0
    monkeypatch.setattr(type(tiny_model.vae), "to", note)
    with parking.parked(), parking.at_work():
        tiny_model.decode_latents(torch.zeros(1, 4, 8, 8))
    after = tiny_model.vae.state_dict()
    assert all(torch.equal(after[key], before[key]) for key in before)
    assert moved == ["AutoencoderKL to cpu"] * 4


def test_fused_layers_are_planned_where_they_can_be_had_and_fit(
    full_size: DiffusersModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facechain_ext.training.memory.can_be_fused", lambda denoiser: True)
    assert first(full_size, 80 * GIB, target_modules="attention").fused
    assert not first(full_size, 80 * GIB, target_modules="all").fused
    assert not first(full_size, 80 * GIB, target_modules="attention", low_memory=True).fused
    assert not first(full_size, 2 * GIB, target_modules="attention").fused
    config = replace(CONFIG, target_modules="attention")
    plain, fused = (
        predicted_peak(full_size, config, micro_batch=8, checkpointing=False, fused=fused)
        for fused in (False, True)
    )
    assert fused < plain, "at a large batch, what they do not keep outweighs their own weights"


@pytest.fixture
def halved(full_size: DiffusersModel, monkeypatch: pytest.MonkeyPatch) -> DiffusersModel:
    """The same in float16 on a card that computes in bfloat16, as a webui has it loaded."""
    monkeypatch.setattr("facechain_ext.training.memory.can_be_fused", lambda denoiser: True)
    return replace(full_size, unet=nn.Module.to(full_size.unet, torch.float16))


@pytest.mark.parametrize(("pictures", "measured"), [(1, 3.0), (4, 4.52), (8, 6.67)])
def test_fused_layers_take_what_was_measured_on_a_card(
    halved: DiffusersModel, pictures: int, measured: float
) -> None:
    config = replace(CONFIG, target_modules="attention")
    peak = predicted_peak(halved, config, micro_batch=pictures, checkpointing=False, fused=True)
    assert peak / GIB == pytest.approx(measured, rel=0.06)


def test_within_seven_gib_two_pictures_at_a_time_are_planned(halved: DiffusersModel) -> None:
    """Four have been seen to fill all of it, with no room for a sample picture."""
    unet = 1.62 * GIB
    plan = first(halved, 7 * GIB - unet, target_modules="attention", train_batch_size=4)
    assert (plan.micro_batch, plan.fused, plan.checkpointing) == (2, True, False)


@pytest.mark.parametrize(
    ("capability", "hip", "dtype"),
    [
        ((7, 5), None, torch.float16),
        ((7, 0), None, torch.float16),
        ((6, 1), None, torch.float16),
        ((8, 0), None, torch.bfloat16),
        ((12, 0), None, torch.bfloat16),
        ((9, 0), "6.2", torch.bfloat16),
    ],
)
def test_bfloat16_only_where_the_card_computes_in_it(
    monkeypatch: pytest.MonkeyPatch,
    capability: tuple[int, int],
    hip: str | None,
    dtype: torch.dtype,
) -> None:
    """torch says yes of cards that emulate it: RTX 20xx and T4 have 7.5, V100 7.0, GTX 6.1."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_, **__: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
    monkeypatch.setattr(torch.version, "hip", hip)
    half = torch.nn.Linear(2, 2).half()
    model = SimpleNamespace(denoiser=half, device=torch.device("cuda", 0))
    assert autocast_of(model) == dtype  # type: ignore[arg-type]
    assert mixed_precision(model) == {torch.float16: "fp16", torch.bfloat16: "bf16"}[dtype]  # type: ignore[arg-type]
    model.denoiser = torch.nn.Linear(2, 2)
    assert mixed_precision(model) == "no"  # type: ignore[arg-type]


def test_steps_of_several_sizes_are_held_by_no_graph(small_model: DiffusersModel) -> None:
    planner = Planner.of(small_model, TrainConfig(), free=None)
    graphed = replace(planner, plans=[replace(plan, graph=True) for plan in planner.plans])
    assert not any(plan.graph for plan in graphed.without_graphs().plans)
    assert [plan.peak for plan in graphed.without_graphs().plans] == [p.peak for p in planner.plans]
