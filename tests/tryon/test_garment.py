"""Garments are cut out of pictures of every kind, and what is none is told."""

from __future__ import annotations

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask, Photo
from facechain_ext.nets import FaceNets
from facechain_ext.tryon.flat import cut_out
from facechain_ext.tryon.flat_anchors import flat_anchors
from facechain_ext.tryon.garment import read_garment
from facechain_ext.tryon.neckhole import opened
from tests.tryon.conftest import drawn_shirt, shirt_mask


def overlap(first: Mask, second: Mask) -> float:
    """Return the intersection over union."""
    both, either = (first > 0.5) & (second > 0.5), (first > 0.5) | (second > 0.5)
    return float(both.sum() / either.sum())


@pytest.mark.parametrize(
    ("colour", "ground"),
    [
        ((190, 40, 50), (230, 228, 220)),
        ((240, 240, 240), (215, 210, 205)),
        ((36, 31, 40), (20, 18, 22)),
        ((40, 60, 130), (120, 90, 60)),
    ],
    ids=["red on white", "white on grey", "dark on dark", "blue on wood"],
)
def test_a_flat_garment_stands_out_from_its_ground(
    colour: tuple[int, int, int], ground: tuple[int, int, int]
) -> None:
    assert overlap(cut_out(drawn_shirt(colour, ground)), shirt_mask()) > 0.95


def test_a_print_of_the_grounds_colour_is_the_garments() -> None:
    shirt = drawn_shirt((190, 40, 50), (230, 228, 220))
    shirt[250:350, 250:350] = (230, 228, 220)
    assert overlap(cut_out(shirt), shirt_mask()) > 0.95


def test_a_flat_shirt_is_measured_by_its_outline() -> None:
    anchors = flat_anchors(shirt_mask(), "shirt.png")
    left, right = anchors.places["left trunk 0.4"], anchors.places["right trunk 0.4"]
    assert anchors.middle == pytest.approx(300, abs=3)
    assert left == pytest.approx((170, 245), abs=12)
    assert right == pytest.approx((430, 245), abs=12)
    assert anchors.places["left slope 0.0"] == pytest.approx((225, 110), abs=12)
    assert anchors.sleeves["left"].outer == pytest.approx((60, 210), abs=20)
    assert anchors.sleeves["right"].inner == pytest.approx((485, 290), abs=20)


def test_trousers_are_told_from_what_is_worn_above_the_hips() -> None:
    trousers = np.zeros((400, 300), np.float32)
    trousers[40:140, 90:210] = 1
    trousers[140:370, 85:145] = trousers[140:370, 155:215] = 1
    with pytest.raises(InvalidInput, match=r"jeans\.png shows trousers"):
        flat_anchors(trousers, "jeans.png")


def test_alpha_says_what_the_garment_is(nets: FaceNets) -> None:
    """Whatever the ground under it looks like."""
    shirt = drawn_shirt((190, 40, 50), (188, 42, 50))
    garment = read_garment(Photo("shirt.png", shirt), shirt_mask(), nets)
    assert np.array_equal(garment.mask, shirt_mask())
    assert not garment.worn


def test_worn_clothes_are_told_from_whoever_wears_them(nets: FaceNets, her: Photo) -> None:
    garment = read_garment(her, np.ones(her.pixels.shape[:2], np.float32), nets)
    assert garment.worn
    assert garment.mask[300:480, 120:250].mean() > 0.9
    assert garment.mask[:165].max() == 0
    assert garment.mask[200:300, 420:].mean() < 0.1


@pytest.mark.parametrize(
    ("garment", "alpha", "told"),
    [
        (np.full((200, 200, 3), 120, np.uint8), None, "No garment was found in it.png"),
        (np.full((200, 200, 3), 120, np.uint8), np.zeros((200, 200), np.float32), "No garment"),
        (drawn_shirt((9, 9, 9), (90, 90, 90))[260:500, 180:420], None, "No garment|fills"),
    ],
    ids=["nothing", "all transparent", "no outline"],
)
def test_what_shows_no_garment_is_told(
    nets: FaceNets, garment: np.ndarray, alpha: Mask | None, told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        read_garment(Photo("it.png", np.ascontiguousarray(garment)), alpha, nets)


def test_a_face_without_clothes_is_no_garment(nets: FaceNets, her: Photo) -> None:
    part = Photo("face.png", np.ascontiguousarray(her.pixels[:190, 150:310]))
    with pytest.raises(InvalidInput, match=r"face\.png shows no torso"):
        read_garment(part, None, nets)


def test_the_inside_of_a_flat_shirts_back_is_not_before_the_neck() -> None:
    """Which shows where no collar's front dips; a neckline in the outline is left as it is."""
    closed = shirt_mask()
    closed[100:160, 225:376] = 1
    anchors = flat_anchors(closed, "shirt.png")
    mask = opened(closed, anchors)
    assert mask[125, 260:340].max() == 0
    assert mask[190:515, 300].min() == 1
    assert np.array_equal(mask[:, :200], closed[:, :200])
    own = shirt_mask()
    assert np.array_equal(opened(own, flat_anchors(own, "shirt.png")), own)
