"""A LoRA at another rank does the same, or as nearly as the rank allows."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facechain_ext.lora.rank import at_rank


def factors(rank: int, *, kernel: tuple[int, ...] = ()) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    down = torch.randn(rank, 12, *kernel, generator=generator)
    up = torch.randn(9, rank, *(1 for _ in kernel), generator=generator)
    return down, up


def product(down: Tensor, up: Tensor) -> Tensor:
    return up.flatten(1) @ down.flatten(1)


@pytest.mark.parametrize("kernel", [(), (3, 3)])
@pytest.mark.parametrize("rank", [4, 6])
def test_a_rank_that_is_enough_gives_the_same_product(rank: int, kernel: tuple[int, ...]) -> None:
    down, up = factors(4, kernel=kernel)
    new_down, new_up = at_rank(down, up, 0.5, rank=rank, new_scale=2.0)
    torch.testing.assert_close(2.0 * product(new_down, new_up), 0.5 * product(down, up))
    assert len(new_down) == 4


@pytest.mark.parametrize("kernel", [(), (3, 3)])
def test_a_lower_rank_gives_the_nearest_product(kernel: tuple[int, ...]) -> None:
    down, up = factors(6, kernel=kernel)
    new_down, new_up = at_rank(down, up, 1.0, rank=2, new_scale=0.25)
    assert new_down.shape == (2, *down.shape[1:])
    assert new_up.shape == (9, 2, *up.shape[2:])
    rest = torch.linalg.svdvals(product(down, up))[2:].square().sum().sqrt()
    distance = (product(down, up) - 0.25 * product(new_down, new_up)).norm()
    torch.testing.assert_close(distance, rest)
    norms = new_down.flatten(1).norm(dim=1), new_up.flatten(1).norm(dim=0)
    torch.testing.assert_close(norms[0], norms[1])
