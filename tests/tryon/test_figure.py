"""One person with a torso is read off a photo; everything else is said in one sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput, NoFaceFound
from facechain_ext.base.records import Photo
from facechain_ext.nets import FaceNets
from facechain_ext.tryon.anchors import figure_anchors
from facechain_ext.tryon.figure import Figure, read_figure


def test_the_trunk_is_what_is_below_the_chin(figure: Figure) -> None:
    chin = round(figure.chin[1])
    assert 175 < chin < 200
    assert figure.trunk[: chin - 1].max() == 0
    assert figure.trunk[300:480, 120:250].mean() > 0.9
    assert figure.trunk[200:300, 420:].mean() < 0.1


def test_shoulders_stand_to_both_sides_of_the_neck(figure: Figure) -> None:
    anchors = figure_anchors(figure)
    left, right = anchors.places["left slope 1.0"], anchors.places["right slope 1.0"]
    assert left[0] < figure.chin[0] < right[0]
    assert 1.4 * figure.unit < anchors.width < 4 * figure.unit
    assert figure.chin[1] < anchors.shoulder < figure.chin[1] + 2 * figure.unit


@pytest.mark.parametrize(
    ("part", "error", "told"),
    [
        (np.s_[0:190, 150:310], InvalidInput, "no torso: it ends at the neck"),
        (np.s_[300:500, 0:160], NoFaceFound, "No face was found in part.png"),
    ],
)
def test_a_part_of_a_photo_is_not_enough(
    nets: FaceNets, her: Photo, part: tuple[slice, slice], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        read_figure(Photo("part.png", np.ascontiguousarray(her.pixels[part])), nets)


def test_of_two_people_nobody_knows_who_is_meant(nets: FaceNets, her: Photo) -> None:
    both = Photo("both.png", np.concatenate([her.pixels[:, :400]] * 2, axis=1))
    with pytest.raises(InvalidInput, match=r"both\.png shows 2 people"):
        read_figure(both, nets)


def test_clothes_that_the_net_misses_are_told_by_the_persons_outline(
    nets: FaceNets, her: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it misses plain black on a bright ground."""
    parts = nets.parts.read(her.pixels)
    missed = replace(parts, clothes=np.zeros_like(parts.clothes))
    monkeypatch.setattr(nets.parts, "read", lambda pixels, face: missed)
    figure = read_figure(her, nets)
    assert figure.parts.clothes[300:480, 120:250].mean() > 0.9
    assert figure.parts.clothes[20:170].max() == 0
