"""Mattes cleaned, and people laid on backgrounds."""

from __future__ import annotations

import numpy as np

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.dataset.background import PLAIN, foreground, treat
from facechain_ext.dataset.matte import cleaned
from facechain_ext.imaging.masks import ellipse, feather

SHAPE = (200, 200)
FACE = ellipse((100, 80), (25, 32), SHAPE)
PERSON = np.maximum(ellipse((100, 75), (40, 55), SHAPE), ellipse((100, 200), (80, 80), SHAPE))


def flat(*rgb: int) -> Pixels:
    return np.full((*SHAPE, 3), rgb, np.uint8)


def mixed(over: Pixels, under: Pixels, mask: Mask) -> Pixels:
    return np.rint(over * mask[..., None] + under * (1 - mask[..., None])).astype(np.uint8)


def test_a_good_matte_stays() -> None:
    assert np.abs(cleaned(PERSON, FACE) - PERSON).mean() < 0.01


def test_people_and_veils_beside_the_person_go() -> None:
    neighbour = ellipse((15, 60), (12, 40), SHAPE)
    veil = 0.4 * ellipse((180, 40), (20, 40), SHAPE)
    clean = cleaned(np.maximum(np.maximum(PERSON, neighbour), veil), FACE)
    assert clean[neighbour > 0.5].max() == 0
    assert clean[veil > 0.3].max() < 0.05


def test_the_face_always_belongs() -> None:
    hole = np.where(FACE > 0.5, np.float32(0), PERSON)
    assert cleaned(hole, FACE)[FACE > 0.99].min() > 0.99


def test_a_failed_matte_counts_for_nothing() -> None:
    assert (cleaned(np.zeros(SHAPE, np.float32), FACE) == 1).all()


def test_the_old_background_does_not_shine_through_the_border() -> None:
    soft = feather(PERSON, 5)
    photo = mixed(flat(150, 60, 40), flat(0, 255, 0), soft)
    border = (soft > 0.2) & (soft < 0.8)
    error = np.abs(foreground(photo, soft)[border].astype(int) - (150, 60, 40))
    naive = np.abs(photo[border].astype(int) - (150, 60, 40))
    assert error.mean() < 0.25 * naive.mean()


def test_a_blurred_background_holds_nothing_of_the_person() -> None:
    photo = mixed(flat(255, 0, 0), flat(0, 0, 200), PERSON)
    everywhere = np.ones(SHAPE, np.float32)
    blurred = treat(photo, person=PERSON, valid=everywhere, background="blur")
    assert blurred[PERSON == 0][:, 0].max() < 30
    assert np.array_equal(blurred[PERSON == 1], photo[PERSON == 1])


def test_beyond_the_photo_all_backgrounds_are_flat() -> None:
    valid = np.ones(SHAPE, np.float32)
    valid[:, 150:] = 0
    for background in ("plain", "blur", "keep"):
        picture = treat(flat(9, 9, 9), person=PERSON * valid, valid=valid, background=background)
        assert (picture[:, 150:] == PLAIN).all()
