from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from facechain_ext.training.batches import Batch, Batches, TrainingData

pytestmark = pytest.mark.slow(5)


def stream(data: TrainingData, **changes: Any) -> Batches:
    settings: dict[str, Any] = {
        "batch_size": 3,
        "caption_dropout": 0.0,
        "timesteps": 1000,
        "seed": 7,
    }
    return Batches(data, **{**settings, **changes})


def rows_of(batch: Batch, data: TrainingData) -> list[int]:
    same = (batch.latents[:, None] == data.latents[None]).flatten(2).all(2)
    return same.long().argmax(1).tolist()


def test_every_picture_is_seen_once_before_any_is_seen_again(data: TrainingData) -> None:
    batches = stream(data, batch_size=4)
    seen = [row for _ in range(3) for row in rows_of(batches.draw(), data)]
    assert sorted(seen[:6]) == sorted(seen[6:]) == [0, 1, 2, 3, 4, 5]


def test_the_same_seed_draws_the_same_batches(data: TrainingData) -> None:
    one, same, other = stream(data), stream(data), stream(data, seed=8)
    for _ in range(4):
        first, second, third = one.draw(), same.draw(), other.draw()
        assert torch.equal(first.noise, second.noise)
        assert torch.equal(first.timesteps, second.timesteps)
        assert torch.equal(first.latents, second.latents)
        assert not torch.equal(first.noise, third.noise)


def test_a_batch_of_timesteps_covers_every_part_of_the_range(data: TrainingData) -> None:
    batches = stream(data, batch_size=5)
    for _ in range(50):
        parts = (batches.draw().timesteps // 200).tolist()
        assert sorted(parts) == [0, 1, 2, 3, 4]


def test_timesteps_are_uniform(data: TrainingData) -> None:
    batches = stream(data, batch_size=1)
    timesteps = torch.cat([batches.draw().timesteps for _ in range(4000)]).float()
    assert timesteps.mean().item() == pytest.approx(499.5, abs=15)
    assert timesteps.std().item() == pytest.approx(1000 / 12**0.5, rel=0.03)


@pytest.mark.parametrize(("dropout", "expected"), [(0.0, 0.0), (0.25, 0.25), (1.0, 1.0)])
def test_captions_are_dropped_as_often_as_asked(
    data: TrainingData, dropout: float, expected: float
) -> None:
    batches = stream(data, caption_dropout=dropout)
    empty = data.cond.prompt_embeds[data.empty_caption]
    rows = torch.cat([batches.draw().cond.prompt_embeds for _ in range(300)])
    share = (rows == empty).flatten(1).all(1).float().mean().item()
    assert share == pytest.approx(expected, abs=0.06)


def test_loss_weights_travel_with_their_picture(data: TrainingData) -> None:
    weights = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 1, 8, 8)
    data = replace(data, loss_weights=weights)  # type: ignore[type-var]
    batch = stream(data).draw()
    assert batch.loss_weights[:, 0, 0, 0].tolist() == rows_of(batch, data)


def test_a_copied_batch_is_equal_and_a_clone_apart(data: TrainingData) -> None:
    batches = stream(data)
    first, second = batches.draw(), batches.draw()
    clone = first.clone()
    clone.copy_(second)
    assert torch.equal(clone.noise, second.noise)
    assert torch.equal(clone.timesteps, second.timesteps)
    assert torch.equal(clone.cond.prompt_embeds, second.cond.prompt_embeds)
    assert not torch.equal(first.noise, second.noise)


def test_sizes_travel_with_their_picture(data: TrainingData) -> None:
    told = replace(data, add_time_ids=torch.arange(36.0).reshape(6, 6))  # type: ignore[type-var]
    batch = stream(told).draw()
    assert batch.cond.add_time_ids is not None
    assert batch.cond.add_time_ids[:, 0].tolist() == [6.0 * row for row in rows_of(batch, data)]
    assert stream(data).draw().cond.add_time_ids is None


def test_a_split_batch_is_its_parts_in_order(data: TrainingData) -> None:
    batch = stream(data, batch_size=5).draw()
    parts = batch.split(2)
    assert [len(part) for part in parts] == [2, 2, 1]
    assert torch.equal(torch.cat([part.noise for part in parts]), batch.noise)
    assert torch.equal(torch.cat([part.timesteps for part in parts]), batch.timesteps)
    embeds = torch.cat([part.cond.prompt_embeds for part in parts])
    assert torch.equal(embeds, batch.cond.prompt_embeds)


def test_noise_offset_shifts_whole_channels_and_nothing_else(data: TrainingData) -> None:
    plain, shifted = stream(data).draw(), stream(data, noise_offset=0.5).draw()
    shifts = shifted.noise - plain.noise
    assert shifts.std(dim=(2, 3)).max() < 1e-6
    many = [stream(data, noise_offset=0.5, seed=n).draw().noise.mean(dim=(2, 3)) for n in range(60)]
    assert torch.cat(many).std().item() == pytest.approx(0.5, rel=0.15)


def test_a_stream_goes_on_where_another_stood(data: TrainingData) -> None:
    one, other = stream(data), stream(data, seed=99)
    for _ in range(3):
        one.draw()
    other.load_state(one.state())
    for _ in range(4):
        first, second = one.draw(), other.draw()
        assert torch.equal(first.noise, second.noise)
        assert torch.equal(first.latents, second.latents)
        assert torch.equal(first.timesteps, second.timesteps)


def test_a_batch_drawn_ahead_is_neither_lost_nor_drawn_twice(data: TrainingData) -> None:
    plain, ahead = stream(data), stream(data)
    for step in range(5):
        before = ahead.state()
        ahead.draw_ahead()
        ahead.draw_ahead()
        assert all(torch.equal(ahead.state()[key], before[key]) for key in before)
        resumed = stream(data, seed=step)
        resumed.draw_ahead()
        resumed.load_state(ahead.state())
        expected = plain.draw()
        for other in (ahead.draw(), resumed.draw()):
            assert torch.equal(other.noise, expected.noise)
            assert torch.equal(other.latents, expected.latents)


SIZES = torch.tensor([[8, 8], [8, 8], [8, 4], [8, 8], [8, 4], [4, 8]])


def places_of(batch: Batch, data: TrainingData) -> list[int]:
    high, wide = batch.latents.shape[2:]
    same = (batch.latents[:, None] == data.latents[None, :, :, :high, :wide]).flatten(2).all(2)
    return same.long().argmax(1).tolist()


def test_a_batch_holds_pictures_of_one_size(data: TrainingData) -> None:
    batches = stream(data, batch_size=2, sizes=SIZES)
    for _ in range(30):
        batch = batches.draw()
        rows = places_of(batch, data)
        assert {tuple(SIZES[row].tolist()) for row in rows} == {tuple(batch.latents.shape[2:])}
        assert batch.noise.shape == batch.latents.shape
        assert batch.loss_weights.shape[2:] == batch.latents.shape[2:]


def test_pictures_of_all_sizes_are_seen_equally_often(data: TrainingData) -> None:
    batches = stream(data, batch_size=4, sizes=SIZES)
    seen = [row for _ in range(90) for row in places_of(batches.draw(), data)]
    assert batches.passed == 360
    assert all(abs(seen.count(row) - 60) <= 4 for row in range(6))


def test_a_stream_of_several_sizes_goes_on_where_it_stood(data: TrainingData) -> None:
    whole, other = (stream(data, batch_size=4, sizes=SIZES) for _ in range(2))
    for _ in range(7):
        whole.draw()
    whole.draw_ahead()
    other.load_state(whole.state())
    for _ in range(5):
        one, same = whole.draw(), other.draw()
        assert torch.equal(one.latents, same.latents)
        assert torch.equal(one.noise, same.noise)
