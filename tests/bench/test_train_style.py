"""The bench of style LoRAs: its look, its distances, its table."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from bench.train_style import Distances, cut, frechet, poster, table
from facechain_ext.dataset.look_measure import features
from facechain_ext.imaging.files import resize


def test_the_look_is_another_one_whatever_it_shows() -> None:
    photo = resize(np.ascontiguousarray(astronaut()), (192, 192))
    painted = poster(photo)
    assert painted.shape == photo.shape
    assert np.abs(features(painted) - features(photo))[:3].max() > 10
    assert cut(painted, (128, 192)).shape == (192, 128, 3)


def test_frechets_distance_is_that_of_gaussians() -> None:
    rows = np.random.default_rng(0).normal(size=(4000, 3))
    assert frechet(rows, rows) == pytest.approx(0, abs=1e-9)
    assert frechet(rows, rows + [2, 0, 0]) == pytest.approx(4)
    assert frechet(rows, 2 * rows) == pytest.approx(3, rel=0.05)


def test_the_table_has_a_row_for_every_kind() -> None:
    assert table({"drawn": Distances(2.0, 0.123)}).splitlines()[2] == "| drawn | 2.00 | 0.12 |"
