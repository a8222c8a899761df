"""Pictures that are learned already are left out, and the gradient's mean is the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from facechain_ext.training.batches import Batches, TrainingData
from facechain_ext.training.infobatch import InfoBatch

ROWS = list(range(10))


def chosen(infobatch: InfoBatch, seed: int = 0) -> dict[int, float]:
    return infobatch.choose(ROWS, torch.Generator().manual_seed(seed))


def taught(ratio: float = 0.5) -> InfoBatch:
    """The first seven of ten pictures are below the mean loss."""
    infobatch = InfoBatch(10, ratio)
    infobatch.learn(ROWS, [0.1] * 7 + [1.0] * 3)
    return infobatch


def test_nothing_is_left_out_before_anything_was_seen() -> None:
    assert chosen(InfoBatch(10, 0.9)) == dict.fromkeys(ROWS, 1.0)


def test_a_picture_not_seen_yet_stays() -> None:
    infobatch = InfoBatch(10, 0.9)
    infobatch.learn(ROWS[:9], [0.1] * 8 + [5.0])
    for seed in range(50):
        assert {8: 1.0, 9: 1.0}.items() <= chosen(infobatch, seed).items()


@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.9])
def test_what_stays_stands_for_what_goes(ratio: float) -> None:
    """Every picture counts 1 in the mean over epochs: the gradient is unbiased."""
    infobatch, counts, kept = taught(ratio), torch.zeros(10), 0
    for seed in range(4000):
        choice = chosen(infobatch, seed)
        kept += len(choice)
        assert all(choice[row] == 1.0 for row in (7, 8, 9))
        for row, weight in choice.items():
            counts[row] += weight
    spread = (ratio / (1 - ratio) / 4000) ** 0.5
    torch.testing.assert_close(counts / 4000, torch.ones(10), atol=5 * spread, rtol=0)
    assert kept / 4000 == pytest.approx(3 + 7 * (1 - ratio), abs=0.2)


def test_the_order_is_the_shuffles() -> None:
    choice = taught().choose(ROWS[::-1], torch.Generator().manual_seed(0))
    assert list(choice) == sorted(choice, reverse=True)


def test_a_loss_is_remembered_beside_the_newest() -> None:
    infobatch = InfoBatch(2, 0.5)
    infobatch.learn([0], [1.0])
    infobatch.learn([0, 0], [2.0, 2.0])
    assert infobatch.state()[0].item() == pytest.approx(0.8 * (0.8 * 1 + 0.2 * 2) + 0.2 * 2)
    assert infobatch.state()[1].isnan()


def stream(data: TrainingData, **changes: object) -> Batches:
    settings = {"caption_dropout": 0.0, "timesteps": 1000, "seed": 7, "prune": 0.5, "run": 600}
    return Batches(data, batch_size=2, **{**settings, **changes})  # type: ignore[arg-type]


def losses_of(data: TrainingData, batches: Batches) -> torch.Tensor:
    """Draw, and answer with the loss 1 for the first picture and 0.1 for the others."""
    batch = batches.draw()
    scale = batch.loss_weights[:, 0, 0, 0]
    first = (batch.latents == data.latents[0]).flatten(1).all(1)
    return torch.where(first, 1.0, 0.1) * scale


def test_pictures_left_out_are_passed_too(data: TrainingData) -> None:
    batches, seen = stream(data), 0
    while batches.passed < 525:
        batches.learn(losses_of(data, batches))
        seen += 2
    # Of six pictures five are learned, of which half stay.
    assert seen / 525 == pytest.approx((1 + 5 / 2) / 6, abs=0.06)


def test_the_end_of_a_run_leaves_nothing_out(data: TrainingData) -> None:
    batches = stream(data)
    while batches.passed < 534:  # the epoch that 7/8 of the run fell into is over
        batches.learn(losses_of(data, batches))
    for _ in range(60):
        before = batches.passed
        batch = batches.draw()
        assert batches.passed - before <= 2 or before < 534
        assert batch.loss_weights.unique().tolist() == [1.0]


def test_the_weights_are_taken_out_of_what_is_learned(data: TrainingData) -> None:
    batches = stream(data)
    for _ in range(100):
        batches.learn(losses_of(data, batches))
    batches.draw()
    torch.testing.assert_close(batches.state()["losses"], torch.tensor([1.0] + [0.1] * 5))


def test_without_pruning_passed_counts_what_was_drawn(data: TrainingData) -> None:
    batches = stream(replace(data), prune=0.0)  # type: ignore[type-var]
    for count in range(1, 20):
        batches.draw()
        assert batches.passed == 2 * count


def test_a_stream_with_pruning_goes_on_from_its_state_drawn_ahead_or_not(
    data: TrainingData,
) -> None:
    one, other = stream(data), stream(data)
    for step in range(60):
        one.learn(losses_of(data, one))
        if step % 7 == 3:
            state = other.state()
            other = stream(data)
            other.load_state(state)
        batch_losses = losses_of(data, other)
        if step % 2:
            other.draw_ahead()
        other.learn(batch_losses)
        assert one.passed == other.passed
    first, second = one.draw(), other.draw()
    assert torch.equal(first.noise, second.noise)
    assert torch.equal(first.loss_weights, second.loss_weights)
    assert torch.equal(first.latents, second.latents)
