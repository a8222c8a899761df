"""A photo's upright direction is told by its face."""

from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.imaging.files import read_photo
from facechain_ext.nets.orientation import upright


@pytest.mark.parametrize("turns", range(4))
def test_a_turned_photo_is_turned_back(nets, astronaut, turns):
    turned = np.ascontiguousarray(np.rot90(astronaut, turns))
    back = upright(turned, nets.detector)
    np.testing.assert_array_equal(np.rot90(turned, back), astronaut)


def test_without_a_face_nothing_is_turned(nets):
    assert upright(np.zeros((64, 48, 3), np.uint8), nets.detector) == 0


@pytest.mark.people
@pytest.mark.slow
def test_every_photo_of_the_collection_is_turned_back(nets, people):
    paths = sorted(people.glob("hires/*/*")) + sorted(people.glob("london_ccby/*/*"))
    wrong = [
        (path.parent.name, path.name, turns)
        for path in paths
        for pixels in [read_photo(path).pixels]
        for turns in range(4)
        if upright(np.ascontiguousarray(np.rot90(pixels, turns)), nets.detector) != -turns % 4
    ]
    assert not wrong
