"""What is worn below the waist goes on a standing body, under what hangs over it and hands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask, Photo
from facechain_ext.imaging.masks import dilate
from facechain_ext.nets.movenet import BodyPoints
from facechain_ext.tryon.beltline import find_beltline
from facechain_ext.tryon.dress import Dressed, dress
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.garment import Garment, of_dress, of_strips
from facechain_ext.tryon.stance import read_stance
from tests.tryon.bodies import JEANS, TOP, dyed, gown, skirt, standing, trousers

GREEN, RED = (30, 140, 60), (200, 40, 50)


def garment(mask: Mask) -> Garment:
    return of_strips(Photo("it.png", dyed(mask, GREEN)), mask)


def green(dressed: Dressed) -> Mask:
    near = np.abs(dressed.pixels.astype(int) - GREEN).max(axis=2) < 60
    return near.astype(np.float32)


@pytest.fixture(scope="module")
def figure() -> Figure:
    return standing()


@pytest.fixture(scope="module")
def dressed(figure: Figure) -> Dressed:
    return dress(figure, garment(trousers()))


def test_a_stance_is_told_by_joints_and_outline(figure: Figure) -> None:
    stance = read_stance(figure)
    (outer,), (inner,) = stance.legs.at(np.array([320.0]))
    assert outer == pytest.approx((119, 181), abs=3)
    assert inner == pytest.approx((143, 157), abs=4)
    assert 220 < stance.legs.fork < 250


def test_trousers_cover_the_old_ones_from_belt_to_ankles(dressed: Dressed, figure: Figure) -> None:
    seen = green(dressed)
    legs = figure.parts.clothes.copy()
    legs[:200] = legs[385:] = 0
    assert seen[legs > 0.5].mean() > 0.98
    assert seen[330:380, 149:152].mean() < 0.1
    assert dressed.notes == ()


def test_a_top_that_ends_above_stays_above(dressed: Dressed, figure: Figure) -> None:
    top = np.abs(figure.pixels.astype(int) - TOP).max(axis=2) < 5
    top[188:] = False  # colours meet there
    assert np.array_equal(dressed.pixels[top], figure.pixels[top])


def test_a_top_that_hangs_over_the_hips_hides_the_waist() -> None:
    figure = standing(belt=225)
    seen = green(dress(figure, garment(trousers())))
    assert seen[:222].max() == 0
    assert seen[232, 130:170].mean() > 0.9


def test_hands_and_all_beyond_the_garment_keep_every_byte(dressed: Dressed, figure: Figure) -> None:
    changed = (dressed.pixels != figure.pixels).any(axis=2)
    assert not changed[dressed.alpha == 0].any()
    assert not changed[:180].any()
    hands = figure.parts.body_skin > 0.5
    hands[260:] = False
    assert not changed[hands].any()


def test_it_stays_near_the_body(dressed: Dressed, figure: Figure) -> None:
    near = dilate(figure.matte, 12) > 0
    assert green(dressed)[~near].max() == 0


def test_shorts_leave_longer_trousers_and_say_so(figure: Figure) -> None:
    made = dress(figure, garment(trousers(150)))
    assert green(made)[370].max() == 0
    assert np.array_equal(made.pixels[370:], figure.pixels[370:])
    assert any("legs that they hide are not invented" in note for note in made.notes)


def test_a_skirt_is_one_piece_and_wider_below(figure: Figure) -> None:
    seen = green(dress(standing(hem=240), garment(skirt())))
    rows = np.flatnonzero(seen.any(axis=1))
    upper, lower = (np.ptp(np.flatnonzero(seen[row])) for row in (rows[8], rows[-8]))
    assert lower > 1.3 * upper
    assert seen[rows[-8], 148:153].mean() == 1


def test_a_skirt_is_no_darker_in_the_middle_where_legs_would_touch() -> None:
    made = dress(standing(hem=240), garment(skirt()))
    row = np.flatnonzero(green(made).any(axis=1))[-8]
    assert np.abs(made.pixels[row, 140:161].astype(int) - GREEN).max() < 5


def test_a_photo_that_ends_at_the_knees_gets_them_as_far_as_it_goes() -> None:
    made = dress(standing(300), garment(trousers()))
    assert green(made)[298, 122:140].mean() > 0.9
    assert any("her.jpg ends above the garment's hem" in note for note in made.notes)


def moved(figure: Figure, **joints: tuple[float, float]) -> Figure:
    points = figure.stance.points.copy()
    for joint, place in joints.items():
        points[int(joint[1:])] = place
    return replace(figure, stance=BodyPoints(points, figure.stance.scores))


def smeared(figure: Figure) -> Figure:
    """Let the nets take a part of the wall for clothes."""
    clothes = figure.parts.clothes.copy()
    clothes[270:280, 180:280] = 1
    return replace(figure, parts=replace(figure.parts, clothes=clothes))


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        (standing(205), r"hips in her\.jpg cannot be made out"),
        (standing(216), r"her\.jpg ends at the waist"),
        (moved(standing(), j13=(220, 230), j14=(80, 230)), "does not stand upright"),
        (moved(standing(), j11=(300, 130), j12=(280, 130)), "does not stand upright"),
        (moved(standing(), j11=(130, 210), j12=(170, 210)), "hips in her"),
        (moved(standing(), j11=(155, 210), j12=(145, 210)), "turns away"),
        (moved(standing(), j13=(140, 300), j14=(160, 300)), "one leg is before the other"),
        (smeared(standing()), "cannot be told from what is behind"),
    ],
    ids=[
        "ends above the hips",
        "ends at the hips",
        "sits",
        "lies",
        "from behind",
        "turned",
        "crossed",
        "smeared",
    ],
)
def test_a_body_that_is_not_seen_is_told_in_a_sentence(figure: Figure, told: str) -> None:
    with pytest.raises(InvalidInput, match=told) as caught:
        dress(figure, garment(trousers()))
    assert "choose a photo of somebody who stands" in str(caught.value)


def test_a_dress_that_is_worn_as_a_top_is_cut_at_the_hips_and_not_squeezed(figure: Figure) -> None:
    pixels = dyed(gown(), GREEN)
    pixels[220:, 60:180] = RED
    made = dress(figure, of_dress(Photo("it.png", pixels), gown(), whole=False))
    assert green(made)[200, 130:170].mean() == 1
    assert (np.abs(made.pixels.astype(int) - RED).max(axis=2) < 60).sum() == 0
    assert any("it.png shows a dress: as a top it is cut off at the hips" in n for n in made.notes)


def test_where_top_and_trousers_look_alike_there_is_no_belt() -> None:
    figure = standing(top=JEANS)
    assert find_beltline(figure, read_stance(figure)) is None
    seen = green(dress(figure, garment(trousers())))
    assert seen[:165].max() == 0
