"""Face fusion of a real face into a picture of somebody hardly like her."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facechain_ext.base.records import Instance, Pixels, Points
from facechain_ext.imaging.color import is_monochrome
from facechain_ext.imaging.files import resize
from facechain_ext.imaging.geometry import rotation, transform_points, warp
from facechain_ext.imaging.masks import face_oval
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.fuse import allowed_strength, fuse, fusion_note
from facechain_ext.portrait.head_pose import Pose, mean_face
from facechain_ext.portrait.regions import inside_face

pytestmark = pytest.mark.slow(6)

Locate = Callable[[Pixels], Points]
slowly = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def similarity(nets: FaceNets, pixels: Pixels, template: Instance) -> float:
    face = nets.detector.detect(pixels)[0]
    return float(nets.embedder.embed(pixels, face) @ template.embedding)


def turned(degrees: float) -> Points:
    """The mesh of a frontal mean face turned to the picture's right."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    around = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    return Pose(around, 40.0, np.array([96.0, 90.0])).project(mean_face())


def test_strength_0_returns_the_picture_itself(
    picture: Pixels, landmarks: Points, template: Instance
) -> None:
    fused = fuse(picture, landmarks, template, strength=0)
    assert np.array_equal(fused, picture)
    assert fused is not picture


@slowly
@given(strength=st.floats(0.05, 1), size=st.integers(120, 330))
def test_nothing_outside_the_oval_changes(
    picture: Pixels, landmarks: Points, template: Instance, strength: float, size: int
) -> None:
    scaled = resize(picture, (size, size))
    points = ((landmarks + 0.5) * size / 192 - 0.5).astype(np.float32)
    before = scaled.copy()
    fused = fuse(scaled, points, template, strength=strength)
    outside = face_oval(points, scaled.shape[:2]) == 0
    assert np.array_equal(fused[outside], scaled[outside])
    assert not np.array_equal(fused, scaled)
    assert np.array_equal(before, scaled), "the input is left alone"


def test_more_strength_is_more_likeness(
    nets: FaceNets, picture: Pixels, landmarks: Points, template: Instance
) -> None:
    strengths = (0, 0.35, 0.7, 1)
    rising = [
        similarity(nets, fuse(picture, landmarks, template, strength=strength), template)
        for strength in strengths
    ]
    assert rising[0] < rising[1] < rising[2] + 0.02
    assert rising[2] > rising[0] + 0.15
    assert rising[3] > rising[0] + 0.15


def test_a_face_fused_onto_itself_changes_little(template: Instance) -> None:
    fused = fuse(template.pixels, template.landmarks, template, strength=1)
    change = np.abs(fused.astype(int) - template.pixels)[template.face_mask > 0.5]
    assert change.mean() < 0.5
    assert np.percentile(change, 99.9) <= 8


@pytest.mark.parametrize("tint", [(1.0, 1.0, 1.0), (1.05, 0.93, 0.72)], ids=["gray", "sepia"])
def test_a_monochrome_picture_stays_so(
    picture: Pixels, landmarks: Points, template: Instance, tint: tuple[float, float, float]
) -> None:
    gray = picture @ np.array([0.3, 0.6, 0.1])
    tinted = np.clip(gray[..., None] * tint, 0, 255).astype(np.uint8)
    assert is_monochrome(tinted)
    fused = fuse(tinted, landmarks, template, strength=1)
    assert is_monochrome(fused)
    assert not np.array_equal(fused, tinted)
    if tint == (1.0, 1.0, 1.0):
        assert int(np.ptp(fused.astype(int), axis=2).max()) <= 1


def test_the_light_stays_the_pictures(
    picture: Pixels, landmarks: Points, template: Instance
) -> None:
    """The picture is lit from the left, the template is not; the fused face is as the picture."""
    fused = fuse(picture, landmarks, template, strength=1)
    mask = inside_face(landmarks, picture.shape[:2]) > 0.9
    left = mask & (np.arange(192) < landmarks[1, 0])
    right = mask & ~left
    drop = [float(p[left].mean() / p[right].mean()) for p in (picture, fused)]
    assert drop[1] == pytest.approx(drop[0], rel=0.08)
    assert fused[mask].mean() == pytest.approx(picture[mask].mean(), rel=0.05)


def test_there_is_no_seam(picture: Pixels, landmarks: Points, template: Instance) -> None:
    """Along the border of the face the picture has no steeper edges after than before."""
    fused = fuse(picture, landmarks, template, strength=1)
    oval = (face_oval(landmarks, picture.shape[:2]) > 0.5).astype(np.uint8)
    ring = (cv2.dilate(oval, np.ones((3, 3))) > 0) & (cv2.erode(oval, np.ones((7, 7))) == 0)
    steep = [np.percentile(_slope(p)[ring], 90) for p in (picture, fused)]
    assert steep[1] < 1.15 * steep[0] + 2


def _slope(pixels: Pixels) -> np.ndarray:
    gray = pixels.mean(axis=2)
    down, right = np.gradient(gray)
    return np.hypot(down, right)


def test_a_tilted_head_is_fused_as_well(
    nets: FaceNets, picture: Pixels, landmarks: Points, template: Instance
) -> None:
    tilt = rotation((95.5, 95.5), 25)
    tilted = warp(picture, tilt, (192, 192), fill="edge")
    fused = fuse(tilted, transform_points(landmarks, tilt), template, strength=1)
    gained = similarity(nets, fused, template) - similarity(nets, tilted, template)
    assert gained > 0.15


def test_hair_over_the_cheek_stays(picture: Pixels, landmarks: Points, template: Instance) -> None:
    lock = picture.copy()
    x, y = landmarks[288].round().astype(int)
    strand = slice(y - 14, y), slice(x - 9, x)
    lock[strand] = (35, 22, 15)
    fused = fuse(lock, landmarks, template, strength=1)
    middle = slice(y - 10, y), slice(x - 6, x)
    assert np.abs(fused[middle].astype(int) - lock[middle]).mean() < 8, "skin would differ by 100"
    assert not np.array_equal(fused, lock)


def test_a_mouth_in_another_state_stays_the_pictures(
    picture: Pixels, landmarks: Points, template: Instance
) -> None:
    mute = template.landmarks.copy()
    upper, lower = [82, 13, 312, 81, 311], [87, 14, 317, 178, 402]
    mute[lower] = mute[upper] = (mute[lower] + mute[upper]) / 2
    closed = replace(template, landmarks=mute)
    mouth = face_oval(landmarks, (192, 192)) * 0
    x, y = landmarks[13].round().astype(int)
    mouth[y - 1 : y + 3, x - 6 : x + 6] = 1
    changes = [
        np.abs(fuse(picture, landmarks, t, strength=1).astype(int) - picture)[mouth > 0].mean()
        for t in (template, closed)
    ]
    assert changes[1] < 1 < changes[0]


def test_of_a_whole_face_nothing_below_the_brows_stays(
    picture: Pixels, landmarks: Points, template: Instance
) -> None:
    """A beard, or frames, of somebody else."""
    lock = picture.copy()
    x, y = landmarks[288].round().astype(int)
    lock[y - 14 : y, x - 9 : x] = (35, 22, 15)
    middle = slice(y - 10, y), slice(x - 6, x)
    fused = fuse(lock, landmarks, template, strength=1, whole=True)
    assert fused[middle].mean() > lock[middle].mean() + 50
    outside = face_oval(landmarks, (192, 192)) == 0
    assert np.array_equal(fused[outside], lock[outside])


def test_a_whole_face_comes_with_its_mouth(
    nets: FaceNets, picture: Pixels, landmarks: Points, template: Instance
) -> None:
    mute = landmarks.copy()
    upper, lower = [82, 13, 312, 81, 311], [87, 14, 317, 178, 402]
    mute[lower] = mute[upper] = (mute[lower] + mute[upper]) / 2
    x, y = landmarks[13].round().astype(int)
    lips = slice(y - 1, y + 3), slice(x - 6, x + 6)
    kept, came = (
        np.abs(fuse(picture, mute, template, strength=1, whole=w).astype(int) - picture)[lips]
        for w in (False, True)
    )
    assert kept.mean() < 1 < came.mean()


@pytest.mark.parametrize(("degrees", "allowed"), [(0, 1), (24, 1), (35, 0.5), (46, 0), (80, 0)])
def test_the_angle_between_the_heads_limits_the_fusion(
    template: Instance, degrees: float, allowed: float
) -> None:
    frontal = replace(template, landmarks=turned(0))
    assert allowed_strength(turned(degrees), frontal) == pytest.approx(allowed, abs=0.01)


def test_a_head_turned_too_far_is_left_alone_with_a_reason(
    picture: Pixels, template: Instance
) -> None:
    assert np.array_equal(fuse(picture, turned(70), template, strength=1), picture)
    assert "left out" in str(fusion_note(turned(70), template))
    half = replace(template, landmarks=turned(0))
    assert "reduced to 50%" in str(fusion_note(turned(35), half))
    assert fusion_note(turned(5), half) is None


@pytest.mark.parametrize("shift", [(-400, 0), (400, 400)])
def test_a_face_beside_the_picture_is_no_error(
    picture: Pixels, landmarks: Points, template: Instance, shift: tuple[int, int]
) -> None:
    away = (landmarks + np.float32(shift)).astype(np.float32)
    assert np.array_equal(fuse(picture, away, template, strength=1), picture)


def test_a_face_cut_by_the_border_is_fused(
    picture: Pixels, landmarks: Points, template: Instance
) -> None:
    cut = int(landmarks[1, 0])
    points = (landmarks - np.float32([cut, 0])).astype(np.float32)
    half = np.ascontiguousarray(picture[:, cut:])
    fused = fuse(half, points, template, strength=1)
    assert fused.shape == half.shape
    assert not np.array_equal(fused, half)


def test_at_four_times_the_size_it_is_the_same_person_and_sharper(
    nets: FaceNets, picture: Pixels, template: Instance, locate: Locate
) -> None:
    large = resize(picture, (768, 768))
    fused = fuse(large, locate(large), template, strength=1)
    assert similarity(nets, fused, template) > similarity(nets, large, template) + 0.15
    assert cv2.Laplacian(fused, cv2.CV_64F).std() > 1.3 * cv2.Laplacian(large, cv2.CV_64F).std()
