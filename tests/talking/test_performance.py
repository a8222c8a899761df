"""The face in motion, measured by the landmarks of its own pictures."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput, NoFaceFound
from facechain_ext.base.records import Pixels, Points
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.expression import read_expression
from facechain_ext.talking.face_frame import FaceFrame
from facechain_ext.talking.gestures import make_gestures
from facechain_ext.talking.head import HeadPose
from facechain_ext.talking.mouth_track import MouthTrack
from facechain_ext.talking.performance import Performer
from facechain_ext.talking.sitter import Sitter, find_sitter
from facechain_ext.talking.teeth import Donor, find_teeth, shows_teeth

LEFT, RIGHT = HeadPose(turn=-1), HeadPose(turn=1, nod=1, tilt=1, brows=1)


@pytest.fixture(scope="module")
def mesh_of(nets: FaceNets) -> Callable[[Pixels], Points]:
    return lambda pixels: nets.landmarker.locate(pixels, nets.detector.detect(pixels)[0])


def opening(mesh: Points) -> float:
    """Return how far the lips part over the mouth's width."""
    return read_expression(mesh).mouth


def test_a_smile_closes_its_lips_and_opens_them_again(
    performer: Performer, sitter: Sitter, mesh_of: Callable[[Pixels], Points]
) -> None:
    seen = [opening(mesh_of(performer.show(wanted, 0.0))) for wanted in (0, 0.25, 0.5, 0.75, 1)]
    assert opening(sitter.mesh) > 0.1, "she smiles with parted lips"
    assert seen[0] < 0.05
    assert seen == sorted(seen) and seen[-1] > 0.25


def test_a_round_mouth_is_narrower_than_a_wide_one(
    performer: Performer, mesh_of: Callable[[Pixels], Points]
) -> None:
    narrow, wide = (
        FaceFrame(mesh_of(performer.show(0.3, width))).half_mouth for width in (-1.0, 1.0)
    )
    assert narrow < 0.9 * wide


def test_a_smile_stays_closed_while_it_becomes_round(
    performer: Performer, mesh_of: Callable[[Pixels], Points]
) -> None:
    assert max(opening(mesh_of(performer.show(0, width))) for width in (-0.4, -0.8)) < 0.05


def test_lips_part_visibly_where_the_jaw_hardly_moves(performer: Performer) -> None:
    lips = performer._mouth.lower
    moved = [float(np.abs(lips.at(wanted, 0) - lips.at(0, 0)).max()) for wanted in (0.1, 0.2, 1)]
    assert moved[0] > 0.15 * moved[2] and moved[1] > 0.27 * moved[2]


def test_lids_close(performer: Performer, mesh_of: Callable[[Pixels], Points]) -> None:
    eyes = [read_expression(mesh_of(performer.show(0, 0, lids=lids))).eyes for lids in (0, 0.5, 1)]
    assert eyes[0] > eyes[1] > eyes[2]
    assert eyes[2] < 0.5 * eyes[0]


def test_the_head_moves_and_what_is_around_it_stands_still(
    performer: Performer, sitter: Sitter
) -> None:
    first, second = (performer.show(0.0, 0.0, pose).astype(int) for pose in (LEFT, RIGHT))
    changed = np.abs(first - second).max(axis=2)
    background = cv2.dilate(sitter.person, np.ones((15, 15))) < 0.02
    assert changed[background].max() == 0
    shoulders = np.s_[400:, :]
    assert changed[shoulders].max() == 0
    nose = np.rint(sitter.mesh[4]).astype(int)
    assert changed[nose[1] - 20 : nose[1] + 20, nose[0] - 20 : nose[0] + 20].mean() > 3


def test_the_same_is_shown_the_same(performer: Performer) -> None:
    assert np.array_equal(
        performer.show(0.3, 0.2, RIGHT, 0.4), performer.show(0.3, 0.2, RIGHT, 0.4)
    )


def test_frames_follow_the_track(performer: Performer) -> None:
    track = MouthTrack(np.array([0.0, 0.0, 0.8]), np.zeros(3))
    still = make_gestures(np.zeros(3), 25, seed=1, motion=0, blink=False)
    first, second, third = performer.frames(track, still)
    assert np.array_equal(first, second)
    assert np.abs(third.astype(int) - first).max() > 60


def test_a_still_head_without_blinks_moves_the_mouth_alone(
    performer: Performer, sitter: Sitter
) -> None:
    changed = np.abs(performer.show(1, 0).astype(int) - performer.show(0, 0)).max(axis=2)
    frame = sitter.frame
    eyes = int(sitter.mesh[[33, 263], 1].max() + 0.1 * frame.height)
    assert changed[:eyes].max() <= 1 and changed[eyes:].max() > 60


def test_teeth_are_the_portraits_own_or_another_photos(
    sitter: Sitter, performer: Performer
) -> None:
    assert performer.teeth_from == "portrait" and shows_teeth(sitter.pixels, sitter.mesh)
    closed = performer.show(0, 0)
    grid, masks = performer._mouth.grid, performer._masks
    shut = sitter.mesh.copy()
    lips = [13, 14, 78, 308, *range(80, 83), *range(310, 313), 87, 88, 95, 317, 318, 324, 191, 415]
    shut[lips, 1] = shut[[78, 308], 1].mean()
    donor = Donor(sitter.pixels, sitter.mesh)
    lent = find_teeth(closed, FaceFrame(shut), grid, masks.hole, [donor])
    assert lent.source == "photo" and lent.mask.max() > 0.5
    assert find_teeth(closed, FaceFrame(shut), grid, masks.hole).source == "painted"


def test_gestures_begin_at_rest_and_blink() -> None:
    made = make_gestures(np.full(500, 0.5), 25, seed=3)
    again, other = (make_gestures(np.full(500, 0.5), 25, seed=seed) for seed in (3, 4))
    assert abs(made.turn[0]) < 0.05 and np.abs(made.turn).max() > 0.3
    assert np.abs(np.diff(made.turn)).max() < 0.1, "no jerks"
    assert np.array_equal(made.tilt, again.tilt) and not np.array_equal(made.tilt, other.tilt)
    blinks = np.flatnonzero(np.diff((made.lids > 0.5).astype(int)) == 1)
    assert 3 <= len(blinks) <= 11
    still = make_gestures(np.full(500, 0.5), 25, seed=3, motion=0, blink=False)
    assert not still.turn.any() and not still.nod.any() and not still.lids.any()


def test_whom_it_cannot_be_is_said(nets: FaceNets, astronaut: Pixels) -> None:
    head = np.ascontiguousarray(astronaut[:320, 60:380])
    twice = np.hstack([head, head])
    with pytest.raises(InvalidInput, match=r"2 faces in the portrait: say which one"):
        find_sitter(twice, nets)
    right = find_sitter(twice, nets, 2)
    assert right.frame.mouth[0] > 320
    with pytest.raises(InvalidInput, match="no face 3: 2 can be seen"):
        find_sitter(twice, nets, 3)
    with pytest.raises(InvalidInput, match="needs 96"):
        find_sitter(cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA), nets)
    with pytest.raises(NoFaceFound, match="No face was found"):
        find_sitter(np.full((200, 200, 3), 128, np.uint8), nets)


def test_side_views_are_refused(sitter: Sitter) -> None:
    from facechain_ext.portrait.head_pose import mean_face
    from facechain_ext.talking.sitter import _check_pose

    angle = np.radians(40)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    _check_pose(sitter.mesh)
    with pytest.raises(InvalidInput, match="turned too far"):
        _check_pose((100 * mean_face() @ turn.T)[:, :2].astype(np.float32))


def test_large_portraits_are_brought_to_1080_lines(nets: FaceNets, astronaut: Pixels) -> None:
    large = cv2.resize(astronaut, (1501, 1501), interpolation=cv2.INTER_LINEAR)
    assert find_sitter(large, nets).pixels.shape == (1080, 1080, 3)
