"""Fields on grids are turned round exactly."""

from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.talking.grids import Grid


@pytest.mark.parametrize("stretch", [-0.45, 0.6, 1.0])
def test_a_field_is_turned_round_where_it_stretches_much(stretch: float) -> None:
    grid = Grid((0, 0, 120, 90), 3)
    down = grid.nodes[..., 1]
    moved = stretch * np.clip(down - 30, 0, 20)
    forward = np.stack([np.zeros_like(moved), moved], axis=-1).astype(np.float32)
    back = grid.turned(forward)
    nodes = grid.nodes.astype(np.float32)
    astray = np.abs(back + grid.at(forward, nodes + back))
    assert astray.max() < 0.2
