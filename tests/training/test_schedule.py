from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facechain_ext.config import TrainConfig
from facechain_ext.training.schedule import learning_rate, with_steps

Kind = Literal["cosine", "constant"]


def rates(kind: Kind, *, total: int, warmup: int) -> list[float]:
    steps = range(1, total + 1)
    return [learning_rate(s, peak=2.0, total=total, warmup=warmup, kind=kind) for s in steps]


def test_the_warm_up_is_linear() -> None:
    assert rates("constant", total=8, warmup=4) == [0.5, 1.0, 1.5, 2.0, 2.0, 2.0, 2.0, 2.0]


def test_the_cosine_passes_half_its_peak_half_way() -> None:
    falling = rates("cosine", total=102, warmup=2)[2:]
    assert falling[0] == 2.0
    assert falling[50] == pytest.approx(1.0)
    assert 0 < falling[-1] < 0.001


@given(st.sampled_from(["cosine", "constant"]), st.integers(1, 300), st.integers(0, 400))
def test_a_rate_is_above_zero_and_never_above_its_peak(kind: Kind, total: int, warmup: int) -> None:
    assert all(0 < rate <= 2.0 for rate in rates(kind, total=total, warmup=warmup))


@pytest.mark.parametrize(
    ("photos", "steps"), [(1, 200), (2, 400), (4, 800), (5, 1000), (6, 1000), (120, 1000)]
)
def test_nobody_chose_a_length_so_it_follows_the_photos(photos: int, steps: int) -> None:
    assert with_steps(TrainConfig(), photos).max_train_steps == steps


def test_a_chosen_length_is_kept_whatever_the_photos() -> None:
    assert with_steps(TrainConfig(max_train_steps=7), 5) == TrainConfig(max_train_steps=7)
