from __future__ import annotations

import numpy as np

from facechain_ext.imaging.edges import hard_edges, soft_edges

HALVES = np.zeros((40, 60, 3), np.uint8)
HALVES[:, 30:, 0] = 255


def test_hard_edges_are_lines_of_one_pixel_in_white() -> None:
    drawn = hard_edges(HALVES)
    assert set(np.unique(drawn)) == {0, 255}
    assert (drawn[5:-5] > 0).sum(axis=1).tolist() == [1] * 30
    assert abs(int(drawn[20].argmax()) - 30) <= 1


def test_soft_edges_fall_off_beside_the_edge() -> None:
    drawn = soft_edges(HALVES)
    assert drawn.shape == (40, 60)
    row = drawn[20].astype(int)
    assert row.max() >= 250
    assert abs(int(row.argmax()) - 30) <= 1
    assert row[30] > row[33] > row[36]
    assert row[:20].max() == 0


def test_a_picture_without_edges_is_black() -> None:
    flat = np.full((20, 20, 3), 90, np.uint8)
    assert not hard_edges(flat).any()
    assert not soft_edges(flat).any()
