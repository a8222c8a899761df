from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.errors import InvalidInput
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.relief import draw_relief

pytestmark = pytest.mark.model


def test_near_is_white_and_the_background_black() -> None:
    relief = draw_relief(astronaut(), FaceNets())
    assert relief.shape == (512, 512)
    nose, ear, chest, wall = relief[120, 222], relief[110, 272], relief[420, 200], relief[60, 340]
    assert wall < 5
    assert nose > ear + 15
    assert chest > 120


def test_nobody_and_several_people_are_said() -> None:
    nets = FaceNets()
    with pytest.raises(InvalidInput, match="depth picture shows no face"):
        draw_relief(np.zeros((200, 200, 3), np.uint8), nets)
    with pytest.raises(InvalidInput, match="depth picture shows 2 people"):
        draw_relief(np.concatenate([astronaut()] * 2, axis=1), nets)
