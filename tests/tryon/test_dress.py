"""A garment is put on: its colours kept, within the body, and nothing else changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask, Photo, Pixels
from facechain_ext.imaging.masks import dilate, erode
from facechain_ext.nets import FaceNets
from facechain_ext.nets.movenet import BodyPoints
from facechain_ext.portrait.light import to_lab
from facechain_ext.tryon import garment
from facechain_ext.tryon.anchors import figure_anchors
from facechain_ext.tryon.dress import Dressed, dress
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.garment import Garment, read_garment
from tests.tryon.conftest import drawn_shirt, shirt_mask


@pytest.fixture(scope="module")
def shirt(nets: FaceNets) -> Garment:
    picture = Photo("shirt.png", drawn_shirt((40, 110, 80), (255, 255, 255)))
    return read_garment(picture, shirt_mask(), nets)


@pytest.fixture(scope="module")
def dressed(figure: Figure, shirt: Garment) -> Dressed:
    return dress(figure, shirt)


def mean_lab(pixels: Pixels, mask: Mask) -> np.ndarray:
    return np.asarray(to_lab(pixels)[mask > 0.99].mean(axis=0))


def test_the_shirt_is_worn_on_chest_and_shoulders(dressed: Dressed) -> None:
    assert dressed.alpha[330:480, 140:240].mean() > 0.9
    assert dressed.alpha[:170].max() == 0
    assert dressed.alpha[100:300, 420:].max() == 0


def test_its_colours_are_kept(dressed: Dressed, shirt: Garment) -> None:
    worn = mean_lab(dressed.pixels, erode(dressed.alpha, 8))
    given = mean_lab(shirt.pixels, erode(shirt.mask, 8))
    assert np.linalg.norm(worn - given) < 4


def test_it_stays_within_the_body(dressed: Dressed, figure: Figure) -> None:
    body = dilate((figure.parts.person > 0.5).astype(np.float32), 4)
    assert dressed.alpha[body == 0].max() < 0.5


def test_the_face_and_all_that_is_not_the_garment_keep_every_byte(
    dressed: Dressed, figure: Figure
) -> None:
    changed = (dressed.pixels != figure.pixels).any(axis=2)
    assert not changed[:170].any()
    assert not changed[:300, 420:].any()
    assert not changed[figure.parts.face_skin > 0.999].any()
    far = dilate((dressed.alpha > 0).astype(np.float32), 12) == 0
    assert not changed[far & (figure.parts.clothes < 0.01)].any()


def test_hair_hangs_before_a_garment(figure: Figure, shirt: Garment) -> None:
    hair = np.zeros(figure.pixels.shape[:2], np.float32)
    hair[300:400, 150:180] = 1
    parts = replace(figure.parts, hair=hair, clothes=figure.parts.clothes * (1 - hair))
    pixels = dress(replace(figure, parts=parts), shirt).pixels
    inside = np.s_[305:395, 155:175]
    assert np.array_equal(pixels[inside], figure.pixels[inside])


def test_a_persons_own_clothes_fit_as_they_are(figure: Figure, nets: FaceNets, her: Photo) -> None:
    """Worn by the same body, the way there and back is none: within the clothes nothing moves."""
    own = dress(figure, read_garment(her, None, nets)).pixels
    inside = erode((figure.parts.clothes > 0.9).astype(np.float32), 12) > 0
    inside[:260] = False
    apart = np.abs(own[inside].astype(int) - figure.pixels[inside])
    assert np.median(apart) <= 8


def test_a_small_garment_picture_is_told(figure: Figure, nets: FaceNets) -> None:
    small = drawn_shirt((40, 110, 80), (255, 255, 255))[::4, ::4]
    picture = Photo("tiny.png", np.ascontiguousarray(small))
    notes = dress(figure, read_garment(picture, shirt_mask()[::4, ::4].copy(), nets)).notes
    assert any("looks soft" in note for note in notes)


def test_what_shows_too_little_of_a_garment_is_refused(figure: Figure, shirt: Garment) -> None:
    """A collar alone, cut out by its alpha, does not dress a chest."""
    mask = shirt.mask.copy()
    mask[200:] = 0
    with pytest.raises(InvalidInput, match=r"shirt\.png does not show enough"):
        dress(figure, replace(shirt, mask=mask))


def test_a_shirt_ends_at_the_hips_where_they_are_seen(figure: Figure, shirt: Garment) -> None:
    points, scores = figure.body.points.copy(), figure.body.scores.copy()
    points[11:13], scores[11:13] = ((240, 430), (160, 430)), 0.9
    dressed = dress(replace(figure, body=BodyPoints(points, scores)), shirt)
    rows = np.flatnonzero((dressed.alpha > 0.5).any(axis=1))
    width = figure_anchors(figure).width
    assert 430 < rows[-1] < 430 + 0.25 * width
    assert np.array_equal(dressed.pixels[500:], figure.pixels[500:])


def test_a_hand_before_a_worn_garment_does_not_come_with_it(
    figure: Figure, nets: FaceNets, her: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = np.zeros(her.pixels.shape[:2], np.float32)
    held[340:380, 160:220] = 1
    monkeypatch.setattr(garment, "hands", lambda figure: held)
    picture = her.pixels.copy()
    picture[held > 0] = (0, 255, 0)
    marked = Photo("marked.jpg", picture)
    pixels = dress(figure, read_garment(marked, None, nets)).pixels
    green = (pixels[..., 1].astype(int) - pixels[..., 0]) > 100
    assert not green[345:375, 165:215].any()
