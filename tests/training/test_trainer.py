"""The loop on a tiny random model: what it yields, what it learns, what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from facechain_ext.base.errors import Cancelled, InvalidInput
from facechain_ext.base.events import CheckpointSaved, Event, Preview, Step
from facechain_ext.base.records import Pixels
from facechain_ext.config import TrainConfig
from facechain_ext.diffusion.diffusers_model import DiffusersModel
from facechain_ext.lora.checkpoint import read_lora
from facechain_ext.training.batches import TrainingData
from facechain_ext.training.memory import trained_layers
from facechain_ext.training.select import Chosen
from facechain_ext.training.trainer import peak_learning_rate, train

pytestmark = pytest.mark.slow(15)

QUICK = TrainConfig(
    max_train_steps=4,
    train_batch_size=2,
    rank=2,
    snapshot_every=2,
    samples_per_snapshot=1,
    lr_warmup_steps=1,
)


def count_pictures(images: tuple[Pixels, ...]) -> tuple[float | None, ...]:
    return tuple(0.5 for _ in images)


@pytest.fixture
def run(
    small_model: DiffusersModel, data: TrainingData, tmp_path: Path, quick_samples: None
) -> Callable[..., Generator[Event, None, Chosen]]:
    def start(config: TrainConfig = QUICK, **changes: Any) -> Generator[Event, None, Chosen]:
        settings: dict[str, Any] = {
            "out_dir": tmp_path / "run",
            "score": count_pictures,
            "prompt": "fcsks, photo",
            "negative_prompt": "",
            "cancelled": lambda: False,
        }
        return train(small_model, data, config, **{**settings, **changes})

    return start


Run = Callable[..., Generator[Event, None, Chosen]]


def finish(training: Generator[Event, None, Chosen]) -> tuple[list[Event], Chosen]:
    chosen: list[Chosen] = []

    def whole() -> Generator[Event, None, None]:
        chosen.append((yield from training))

    return list(whole()), chosen[0]


def fingerprint(model: DiffusersModel) -> dict[str, Any]:
    unet = model.unet
    return {
        "weights": {key: value.clone() for key, value in unet.state_dict().items()},
        "classes": {name: type(module) for name, module in unet.named_modules()},
        "modes": [module.training for module in unet.modules()],
        "flags": [parameter.requires_grad for parameter in unet.parameters()],
    }


def assert_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert before["weights"].keys() == after["weights"].keys()
    assert all(torch.equal(before["weights"][k], after["weights"][k]) for k in before["weights"])
    assert all(before[part] == after[part] for part in ("classes", "modes", "flags"))


def test_events_come_in_the_order_of_the_work(run: Run) -> None:
    events, _ = finish(run())
    kinds = [type(event) for event in events]
    assert kinds == [Step, Step, CheckpointSaved, Preview] * 2
    assert [e.step for e in events if isinstance(e, Step)] == [1, 2, 3, 4]
    previews = [e for e in events if isinstance(e, Preview)]
    assert [p.step for p in previews] == [2, 4]
    assert previews[0].images[0].shape == (64, 64, 3)
    assert previews[0].images[0].dtype == np.uint8


def test_a_last_odd_step_gets_its_snapshot(run: Run) -> None:
    events, _ = finish(run(replace(QUICK, max_train_steps=3, samples_per_snapshot=0)))
    assert [e.step for e in events if isinstance(e, CheckpointSaved)] == [2, 3]


def test_training_lowers_the_loss(run: Run) -> None:
    config = replace(
        QUICK,
        max_train_steps=60,
        learning_rate=5e-3,
        snapshot_every=60,
        samples_per_snapshot=0,
        caption_dropout=0.0,
    )
    losses = [event.loss for event in finish(run(config))[0] if isinstance(event, Step)]
    assert losses[-1] < 0.8 * losses[0]


def test_the_model_is_left_as_it_was(run: Run, small_model: DiffusersModel) -> None:
    before = fingerprint(small_model)
    _, chosen = finish(run())
    assert_same(before, fingerprint(small_model))
    assert any(tensor.abs().max() > 0 for key, tensor in chosen.state.items() if "up" in key)


def test_the_model_is_left_as_it_was_when_the_caller_walks_away(
    run: Run, small_model: DiffusersModel
) -> None:
    before = fingerprint(small_model)
    training = run()
    next(training)
    assert type(small_model.unet.mid_block.resnets[0].conv1) is not torch.nn.Conv2d
    training.close()
    assert_same(before, fingerprint(small_model))


@pytest.mark.parametrize("calls", [0, 1, 3, 6])
def test_cancelling_stops_between_steps_and_within_samples(
    run: Run, small_model: DiffusersModel, calls: int
) -> None:
    before, asked = fingerprint(small_model), iter([False] * calls)
    with pytest.raises(Cancelled):
        finish(run(cancelled=lambda: next(asked, True)))
    assert_same(before, fingerprint(small_model))


def test_a_failing_score_leaves_the_model_as_it_was(run: Run, small_model: DiffusersModel) -> None:
    before = fingerprint(small_model)

    def fail(images: tuple[Pixels, ...]) -> tuple[float | None, ...]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        finish(run(score=fail))
    assert_same(before, fingerprint(small_model))


def test_a_loss_that_is_no_number_ends_the_run_with_advice(
    run: Run, small_model: DiffusersModel, data: TrainingData
) -> None:
    before = fingerprint(small_model)
    with pytest.raises(InvalidInput, match="lower learning rate"):
        for event in run():
            if isinstance(event, Step):
                data.latents.fill_(float("nan"))
    assert_same(before, fingerprint(small_model))


def test_a_loss_that_is_no_number_from_the_start_is_no_fault_of_the_settings(
    run: Run, small_model: DiffusersModel, data: TrainingData
) -> None:
    before = fingerprint(small_model)
    data.latents.fill_(float("nan"))
    with pytest.raises(InvalidInput, match="before anything was learned"):
        finish(run())
    assert_same(before, fingerprint(small_model))


def test_the_same_seed_repeats_the_run_bit_for_bit(run: Run) -> None:
    (_, first), (_, again) = finish(run()), finish(run())
    (_, other) = finish(run(replace(QUICK, seed=43)))
    assert first.state.keys() == again.state.keys()
    assert all(torch.equal(first.state[key], again.state[key]) for key in first.state)
    assert any(not torch.equal(first.state[key], other.state[key]) for key in first.state)


def test_training_does_not_touch_the_global_random_state(run: Run) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    finish(run())
    assert torch.equal(torch.rand(3), expected)


def test_the_best_snapshot_is_what_comes_back(run: Run, tmp_path: Path) -> None:
    scores = iter([0.7, 0.2])
    _, chosen = finish(run(score=lambda images: (next(scores),)))
    saved, _ = read_lora(tmp_path / "run" / "step-000002.safetensors")
    assert (chosen.steps, chosen.similarity) == ((2,), 0.7)
    assert all(torch.equal(chosen.state[key], saved[key]) for key in saved)


def test_the_average_is_the_mean_and_is_measured_itself(run: Run, tmp_path: Path) -> None:
    scores = iter([0.7, 0.2, 0.6])
    config = replace(QUICK, selection="average")
    _, chosen = finish(run(config, score=lambda images: (next(scores),)))
    one, other = (read_lora(tmp_path / "run" / f"step-{n:06d}.safetensors")[0] for n in (2, 4))
    assert (chosen.steps, chosen.similarity) == ((2, 4), 0.6)
    for key in one:
        torch.testing.assert_close(chosen.state[key], (one[key] + other[key]) / 2)


def test_without_samples_the_last_snapshot_is_kept_unmeasured(run: Run) -> None:
    events, chosen = finish(run(replace(QUICK, samples_per_snapshot=0)))
    assert not any(isinstance(event, Preview) for event in events)
    assert (chosen.steps, chosen.similarity) == ((4,), None)


def test_samples_of_all_snapshots_start_from_the_same_noise(run: Run) -> None:
    config = replace(QUICK, learning_rate=1e-12, samples_per_snapshot=2)
    first, second = [e for e in finish(run(config))[0] if isinstance(e, Preview)]
    assert np.abs(first.images[0].astype(int) - second.images[0]).max() <= 1
    assert np.abs(first.images[0].astype(int) - first.images[1]).max() > 1


_plain: list[Chosen] = []


@pytest.fixture
def plain(run: Run) -> Chosen:
    """What the options' defaults lead to; trained once."""
    if not _plain:
        _plain.append(finish(run(replace(QUICK, samples_per_snapshot=0)))[1])
    return _plain[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"max_train_steps": 3},
        {"train_batch_size": 1},
        {"learning_rate": 1e-2},
        {"rank": 3},
        {"alpha": 1.0},
        {"target_modules": "attention"},
        {"lr_scheduler": "constant"},
        {"lr_warmup_steps": 0},
        {"min_snr_gamma": 0.0},
        {"caption_dropout": 1.0},
        {"noise_offset": 0.1},
        {"prune_ratio": 0.9, "max_train_steps": 20},
        {"gradient_accumulation_steps": 2},
        {"seed": 1},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_option_reaches_the_training(
    run: Run, plain: Chosen, changes: dict[str, Any]
) -> None:
    _, changed = finish(run(replace(QUICK, samples_per_snapshot=0, **changes)))
    same_keys = plain.state.keys() == changed.state.keys()
    assert not same_keys or any(
        plain.state[key].shape != changed.state[key].shape
        or not torch.equal(plain.state[key], changed.state[key])
        for key in plain.state
    )


def test_a_model_that_predicts_v_is_taught_v(
    run: Run, small_model: DiffusersModel, data: TrainingData, tmp_path: Path
) -> None:
    config = replace(QUICK, samples_per_snapshot=0)
    _, noise = finish(run(config))
    other = replace(small_model, prediction_type="v_prediction")
    _, v = finish(
        train(
            other,
            data,
            config,
            out_dir=tmp_path,
            score=count_pictures,
            prompt="",
            negative_prompt="",
            cancelled=lambda: False,
        )
    )
    assert any(not torch.equal(noise.state[key], v.state[key]) for key in v.state)


def test_zero_and_auto_take_what_the_checkpoint_suggests(small_model: DiffusersModel) -> None:
    own, given = TrainConfig(), TrainConfig(learning_rate=1e-3, target_modules="attention")
    assert peak_learning_rate(small_model, own) == small_model.suggested_learning_rate
    assert trained_layers(small_model, own) == small_model.suggested_target_modules
    assert peak_learning_rate(small_model, given) == 1e-3
    assert trained_layers(small_model, given) == "attention"


def test_the_loss_mask_decides_what_is_learned(run: Run, data: TrainingData) -> None:
    config = replace(QUICK, samples_per_snapshot=0)
    _, whole = finish(run(config))
    data.loss_weights[..., 4:] = 0
    _, half = finish(run(config))
    assert any(not torch.equal(whole.state[key], half.state[key]) for key in whole.state)
