from __future__ import annotations

import numpy as np

from facechain_ext.imaging.openpose import Skeleton, draw_skeleton, no_hands

NOWHERE = np.full((18, 2), np.nan, np.float32)
NO_FACE = np.full((70, 2), np.nan, np.float32)


def body(**points: tuple[float, float]) -> Skeleton:
    names = {"nose": 0, "neck": 1, "right_shoulder": 2, "left_shoulder": 5}
    found = NOWHERE.copy()
    for name, place in points.items():
        found[names[name]] = place
    return Skeleton(found, NO_FACE)


def test_joints_and_limbs_have_openposes_colours() -> None:
    drawn = draw_skeleton(body(neck=(0.5, 0.5), right_shoulder=(0.25, 0.5)), 512, 512)
    assert drawn[256, 256].tolist() == [255, 85, 0]
    assert drawn[256, 128].tolist() == [255, 170, 0]
    assert drawn[256, 192].tolist() == [153, 0, 0]
    assert (drawn[:, 192].any(axis=-1)).sum() == 9
    assert not drawn[:100].any()


def test_a_limb_needs_both_ends() -> None:
    drawn = draw_skeleton(body(neck=(0.5, 0.5)), 512, 512)
    assert drawn.any(axis=-1).sum() < 70


def test_the_face_is_white_dots_where_it_is_inside() -> None:
    face = NO_FACE.copy()
    face[0], face[1] = (0.5, 0.25), (-0.01, 0.5)
    drawn = draw_skeleton(Skeleton(NOWHERE, face), 512, 512)
    assert drawn[128, 256].tolist() == [255, 255, 255]
    assert not drawn[:, :100].any()


def test_other_sizes_are_scaled_from_512() -> None:
    skeleton = body(neck=(0.5, 0.5), left_shoulder=(0.75, 0.5))
    assert draw_skeleton(skeleton, 192, 192).shape == (192, 192, 3)
    assert draw_skeleton(skeleton, 96, 192).shape == (192, 96, 3)


def test_mirrored_swaps_the_persons_sides() -> None:
    mirrored = body(nose=(0.4, 0.1), right_shoulder=(0.25, 0.5)).mirrored()
    assert np.allclose(mirrored.body[5], (0.75, 0.5))
    assert np.isnan(mirrored.body[2]).all()
    assert np.allclose(mirrored.body[0], (0.6, 0.1))


def test_moved_scales_about_the_middle() -> None:
    moved = body(nose=(0.25, 0.5)).moved(0.1, -0.1, 2.0)
    assert np.allclose(moved.body[0], (0.1, 0.4))


def with_hand(*places: tuple[int, float, float]) -> Skeleton:
    hands = no_hands()
    for point, x, y in places:
        hands[0, point] = x, y
    return Skeleton(NOWHERE, NO_FACE, hands)


def test_fingers_have_openposes_colours_and_blue_knuckles() -> None:
    """As controlnet_aux 0.0.9 draws them: a rainbow of twenty bones from the thumb on."""
    drawn = draw_skeleton(with_hand((0, 0.5, 0.5), (1, 0.25, 0.5), (5, 0.5, 0.25)), 512, 512)
    assert drawn[256, 256].tolist() == drawn[256, 128].tolist() == [0, 0, 255]
    assert drawn[256, 192].tolist() == [255, 0, 0]
    assert drawn[192, 256].tolist() == [204, 255, 0]
    assert drawn[:, 192].any(axis=-1).sum() in (2, 3)


def test_a_bone_needs_both_ends_inside() -> None:
    drawn = draw_skeleton(with_hand((0, 0.5, 0.5), (1, -0.1, 0.5)), 512, 512)
    assert not drawn[:, :240].any()


def test_hands_are_mirrored_and_moved_with_the_body() -> None:
    hand = with_hand((3, 0.25, 0.5))
    mirrored = hand.mirrored().hands
    assert np.isnan(mirrored[0]).all()
    assert np.allclose(mirrored[1, 3], (0.75, 0.5))
    assert np.allclose(hand.moved(0.1, -0.1, 2.0).hands[0, 3], (0.1, 0.4))
