"""Where on a face something may be exchanged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facechain_ext.base.records import Instance, Points
from facechain_ext.imaging.masks import face_oval
from facechain_ext.portrait import regions
from facechain_ext.portrait.expression import BROWS, CLOSED_EYES, read_expression
from facechain_ext.portrait.light import to_lab
from facechain_ext.portrait.skin import skin

SHAPE = (512, 512)


@given(st.floats(-10, 10))
def test_smoothstep_rises_or_falls_between_its_ends(value: float) -> None:
    rising = float(regions.smoothstep(value, 2, 5))
    assert rising == pytest.approx(1 - float(regions.smoothstep(value, 5, 2)), abs=1e-5)
    assert (rising == 0) if value <= 2 else (rising > 0 or value < 2.01)
    assert (rising == 1) if value >= 5 else (rising < 1 or value > 4.99)


def test_the_inside_ends_at_the_oval_and_below_the_hair(template: Instance) -> None:
    mask = regions.inside_face(template.landmarks, SHAPE)
    oval = face_oval(template.landmarks, SHAPE)
    assert (mask[oval < 0.5] == 0).all()
    at = template.landmarks.round().astype(int)
    assert mask[at[1][1], at[1][0]] == 1, "the nose tip"
    assert mask[at[10][1], at[10][0]] < 0.05, "the hairline"
    assert mask.dtype == np.float32


def test_the_inside_follows_a_turned_head(template: Instance) -> None:
    upside_down = (511 - template.landmarks).astype(np.float32)
    mask = regions.inside_face(template.landmarks, SHAPE)
    turned = regions.inside_face(upside_down, SHAPE)
    assert np.abs(turned[::-1, ::-1] - mask).mean() < 2e-3


def test_skin_is_most_of_a_bare_face(template: Instance) -> None:
    mask = regions.inside_face(template.landmarks, SHAPE) > 0.9
    assert skin(to_lab(template.pixels), template.landmarks)[mask].mean() > 0.9


def test_hair_over_the_cheek_is_no_skin(template: Instance) -> None:
    strand = _beside_the_cheek(template.landmarks)
    pixels = template.pixels.copy()
    pixels[strand] = (40, 25, 20)
    selected = skin(to_lab(pixels), template.landmarks)
    assert selected[strand].mean() < 0.2
    assert skin(to_lab(template.pixels), template.landmarks)[strand].mean() > 0.8


def test_brows_under_a_fringe_are_no_skin(template: Instance) -> None:
    pixels = template.pixels.copy()
    lowest = int(template.landmarks[list(BROWS)][:, 1].max())
    pixels[:lowest] = (40, 25, 20)
    selected = skin(to_lab(pixels), template.landmarks)
    at = template.landmarks[105].round().astype(int)
    assert selected[at[1], at[0]] < 0.5
    assert skin(to_lab(template.pixels), template.landmarks)[at[1], at[0]] > 0.9


def test_features_count_as_skin_whatever_their_colour(template: Instance) -> None:
    selected = skin(to_lab(template.pixels), template.landmarks)
    for index in (468, 473, 13, 1):
        x, y = template.landmarks[index].round().astype(int)
        assert selected[y, x] > 0.9


def test_skin_works_where_no_cheek_shows() -> None:
    lab = np.full((40, 40, 3), 50, np.float32)
    far = np.linspace(1000, 1200, 956, dtype=np.float32).reshape(478, 2)
    assert skin(lab, far).shape == (40, 40)


def test_stretched_and_folded_parts_are_left_out() -> None:
    inside = np.ones((40, 40), np.float32)
    area = np.full((40, 40), 4, np.float32)
    area[:, :10], area[:, 30:] = 0.1, -1
    clear = regions.unsmeared(area, inside, radius=1.0)
    assert clear[:, 15:25].min() == 1
    assert clear[:, :6].max() == clear[:, 34:].max() == 0


def test_mouth_and_eyes_are_where_they_are(template: Instance) -> None:
    mouth = regions.mouth(template.landmarks, SHAPE)
    eyes = regions.eyes(template.landmarks, SHAPE)
    lips, iris, nose = template.landmarks[[13, 468, 4]].round().astype(int)
    assert mouth[lips[1], lips[0]] > 0.9 > 0.1 > mouth[iris[1], iris[0]]
    assert eyes[iris[1], iris[0]] > 0.9 > 0.1 > eyes[lips[1], lips[0]]
    assert max(mouth[nose[1], nose[0]], eyes[nose[1], nose[0]]) < 0.5


def test_an_expression_is_read_from_the_mesh(template: Instance) -> None:
    smiling = read_expression(template.landmarks)
    assert smiling.smile > 0
    assert not smiling.eyes_closed
    assert read_expression(_with_eyes_shut(template.landmarks)).eyes < CLOSED_EYES
    opened = template.landmarks.copy()
    opened[14] += (0, 20)
    assert read_expression(opened).mouth > smiling.mouth + 0.1


def _with_eyes_shut(landmarks: Points) -> Points:
    shut = landmarks.copy()
    shut[159], shut[386] = shut[145], shut[374]
    return shut


def _beside_the_cheek(landmarks: Points) -> tuple[slice, slice]:
    """A strip along the left side of the face, where a lock of hair may fall."""
    height = regions.face_height(landmarks)
    x, y = landmarks[288]
    return slice(int(y - 0.15 * height), int(y)), slice(int(x - 0.1 * height), int(x))
