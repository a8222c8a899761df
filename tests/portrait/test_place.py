"""A face's square is cut out level and put back, and nothing else of the template changes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.records import Pixels
from facechain_ext.imaging.geometry import rotation, warp
from facechain_ext.imaging.masks import face_oval
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.head_mask import faces_mask, head_mask
from facechain_ext.portrait.place import Place
from facechain_ext.portrait.seam import added_seam, seam


def group(angle: float = 0.0) -> Pixels:
    """Twice the same head, the second mirrored and near enough for both squares to overlap."""
    her = np.ascontiguousarray(astronaut()[:300, 90:360])
    two = np.concatenate([her, her[:, ::-1]], axis=1)
    matrix = rotation((270, 150), angle)
    return warp(two, matrix, (540, 300), fill="edge", interpolation="cubic")


@pytest.fixture(scope="module", params=[0.0, 12.0])
def found(request: pytest.FixtureRequest, nets: FaceNets) -> tuple[Pixels, list[Place]]:
    template = group(request.param)
    faces = sorted(nets.detector.detect(template), key=lambda face: face.center[0])
    assert len(faces) == 2
    return template, [Place.around(face, template, nets.landmarker) for face in faces]


def test_a_square_is_level(found: tuple[Pixels, list[Place]]) -> None:
    for place in found[1]:
        right, left = place.landmarks[33], place.landmarks[263]
        assert abs(left[1] - right[1]) < 0.06 * abs(left[0] - right[0])


def test_only_what_shows_changes_and_never_a_face_that_is_kept(
    found: tuple[Pixels, list[Place]], nets: FaceNets
) -> None:
    template, (first, second) = found
    other = nets.landmarker.locate(template, nets.detector.detect(template)[0])
    meshes = [place.landmarks for place in (first, second)]
    alpha = np.ones((first.size, first.size), np.float32)
    whole = template.copy()
    first.lay_into(whole, 255 - first.pixels, alpha, [other])
    kept = faces_mask([other], (300, 540)) > 0
    assert np.array_equal(whole[kept], template[kept])
    assert (whole != template).any()
    nothing = template.copy()
    first.lay_into(nothing, 255 - first.pixels, np.zeros_like(alpha), [])
    assert np.array_equal(nothing, template)
    assert len(meshes) == 2


def test_masks_of_neighbours_do_not_meet(found: tuple[Pixels, list[Place]]) -> None:
    template, (first, second) = found
    for kind in ("face", "hair", "head"):
        shown = []
        for place, other in ((first, second), (second, first)):
            whole = np.zeros((*template.shape[:2], 3), np.uint8)
            back = cv2.invertAffineTransform(other.matrix)
            mesh = other.landmarks @ back[:, :2].T + back[:, 2]
            matte = np.ones((place.size, place.size), np.float32)
            mask = head_mask(
                kind,
                place.landmarks,
                matte,
                [place.points(mesh.astype(np.float32))],
            )
            place.lay_into(whole, np.full((*mask.shape, 3), 255, np.uint8), mask, [])
            shown.append(whole[..., 0] > 127)
        assert shown[0].any()
        assert shown[1].any()
        assert not (shown[0] & shown[1]).any()


def test_the_wider_a_mask_the_more_it_takes(found: tuple[Pixels, list[Place]]) -> None:
    place = found[1][0]
    matte = face_oval(place.landmarks, (place.size, place.size))
    matte = np.maximum(matte, cv2.dilate(matte, np.ones((25, 25))))
    sizes = [head_mask(kind, place.landmarks, matte).sum() for kind in ("face", "hair", "head")]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[1] < sizes[2]


def test_a_pasted_patch_has_a_seam_and_a_faded_one_has_none() -> None:
    y, x = np.mgrid[:120, :120]
    before = np.dstack([np.uint8(90 + 40 * np.sin(x / 7) + 20 * np.cos(y / 9))] * 3)
    disc = (np.hypot(x - 60, y - 60) < 30).astype(np.float32)
    lighter = np.clip(before.astype(int) + 40, 0, 255).astype(np.uint8)
    pasted = np.where(disc[..., None] > 0, lighter, before)
    soft = cv2.GaussianBlur(disc, (0, 0), 12)[..., None]
    faded = np.rint(before + soft * 40).astype(np.uint8)
    assert added_seam(before, before, disc, width=3) == 1
    assert added_seam(before, pasted, disc, width=3) > 1.5
    assert added_seam(before, faded, disc, width=3) < 1.2
    assert seam(pasted, disc, width=3) > seam(before, disc, width=3)
