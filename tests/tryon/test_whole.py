"""A dress goes on a standing body: above its waist as a top, and below it as a skirt."""

from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask, Photo
from facechain_ext.tryon.dress import Dressed, dress
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.garment import Garment, of_dress
from facechain_ext.tryon.gown import waist_row
from tests.tryon.bodies import dyed, gown, skirt, standing, trousers

GREEN, RED = (30, 140, 60), (200, 40, 50)


def garment(mask: Mask) -> Garment:
    """Cut out a dress that is green above its waist and red below."""
    pixels = dyed(mask, GREEN)
    pixels[130:][mask[130:] > 0.5] = RED
    return of_dress(Photo("it.png", pixels), mask)


def seen(dressed: Dressed, colour: tuple[int, int, int]) -> Mask:
    near = np.abs(dressed.pixels.astype(int) - colour).max(axis=2) < 70
    return near.astype(np.float32)


@pytest.fixture(scope="module")
def figure() -> Figure:
    return standing(hem=240)


@pytest.fixture(scope="module")
def dressed(figure: Figure) -> Dressed:
    return dress(figure, garment(gown()))


def test_a_waist_is_where_an_outline_is_narrowest() -> None:
    assert waist_row(gown()) == pytest.approx(130, abs=8)


def test_its_waist_is_the_bodys_and_its_hem_follows_from_its_length(dressed: Dressed) -> None:
    above, below = seen(dressed, GREEN), seen(dressed, RED)
    assert above[110:160, 140:160].mean() > 0.98
    assert below[185:280, 140:160].mean() > 0.98
    assert 300 < np.flatnonzero(below[:, 150])[-1] < 370
    widths = [np.ptp(np.flatnonzero(below[row])) for row in (190, 280)]
    assert widths[1] > 1.2 * widths[0]
    assert dressed.notes == ()


def test_it_meets_at_the_waist_without_a_break(dressed: Dressed) -> None:
    ends = np.array([np.flatnonzero(row > 0.5)[[0, -1]] for row in dressed.alpha[140:200]])
    assert np.abs(np.diff(ends, axis=0)).max() <= 4


def test_hands_face_and_all_beyond_it_keep_every_byte(dressed: Dressed, figure: Figure) -> None:
    changed = (dressed.pixels != figure.pixels).any(axis=2)
    assert not changed[dressed.alpha == 0].any()
    assert not changed[:56].any()
    forearms = figure.parts.body_skin > 0.9
    forearms[:170], forearms[240:] = False, False
    assert not changed[forearms].any()


def test_old_trousers_below_its_hem_stay_and_are_told() -> None:
    made = dress(standing(), garment(gown()))
    assert seen(made, RED)[375:].max() == 0
    assert any("legs that they hide are not invented" in note for note in made.notes)


def test_where_no_hips_are_seen_it_is_a_top() -> None:
    made = dress(standing(190), garment(gown()))
    assert seen(made, GREEN)[120:150, 140:160].mean() > 0.98


def test_long_sleeves_are_told_in_a_sentence(figure: Figure) -> None:
    with pytest.raises(InvalidInput, match=r"it\.png shows a dress with long sleeves"):
        dress(figure, garment(gown(sleeves=200)))


def test_a_top_trousers_and_a_skirt_are_no_dress() -> None:
    top = gown()
    top[180:] = 0
    for mask in (top, trousers(), skirt()):
        with pytest.raises(InvalidInput, match=r"it\.png shows no dress"):
            garment(mask)


def test_whoever_does_not_stand_there_is_told() -> None:
    with pytest.raises(InvalidInput, match=r"her\.jpg ends at the waist"):
        dress(standing(216), garment(gown()))
