"""Identity survives light, size and position, and tells people apart."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Face
from facechain_ext.imaging.files import read_photo, resize
from facechain_ext.nets.embedder import DIFFERENT_PERSON, SAME_PERSON


def embed(nets, pixels):
    return nets.embedder.embed(pixels, nets.detector.detect(pixels)[0])


def test_an_embedding_has_unit_norm_and_the_raw_norm_says_quality(nets, astronaut, face):
    embedding, quality = nets.embedder.measure(astronaut, face)
    assert embedding.shape == (128,)
    assert embedding.dtype == np.float32
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)
    assert quality == pytest.approx(12.9, abs=0.2)


@pytest.mark.parametrize(
    "change",
    [
        lambda photo: photo[:, ::-1],
        lambda photo: resize(photo, (260, 260)),
        lambda photo: np.clip(photo * 0.6 + 20, 0, 255).astype(np.uint8),
        lambda photo: np.roll(photo, (30, -60), axis=(0, 1)),
        lambda photo: np.repeat(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2),
    ],
    ids=["mirrored", "half size", "darker", "moved", "black and white"],
)
def test_a_changed_photo_is_still_the_same_person(nets, astronaut, change):
    changed = np.ascontiguousarray(change(astronaut))
    assert embed(nets, astronaut) @ embed(nets, changed) > 0.75


def test_opencvs_alignment_gives_opencvs_norm(nets, astronaut):
    (rough,) = nets.detector.detect_roughly(astronaut)
    assert nets.embedder.measure(astronaut, rough)[1] == pytest.approx(12.35, abs=0.02)


def test_blur_lowers_the_quality(nets, astronaut, face):
    blurred = cv2.GaussianBlur(astronaut, (0, 0), 6)
    sharp, soft = (nets.embedder.measure(p, face)[1] for p in (astronaut, blurred))
    assert soft < 9 < sharp


def test_a_plain_wall_has_an_embedding_of_no_quality(nets, astronaut, face):
    embedding, quality = nets.embedder.measure(np.full_like(astronaut, 90), face)
    assert np.isfinite(embedding).all()
    assert quality < 9


def test_a_face_of_one_point_is_refused(nets, astronaut, face):
    point = Face(face.box, np.full((5, 2), 50, np.float32), 0.9)
    with pytest.raises(InvalidInput, match="coincide"):
        nets.embedder.measure(astronaut, point)


@pytest.mark.people
@pytest.mark.slow
def test_people_are_told_apart(nets, people):
    paths = sorted(people.glob("london_ccby/*/*")) + sorted(people.glob("hires/*/*"))
    embeddings = np.stack([embed(nets, read_photo(path).pixels) for path in paths])
    names = np.array([path.parent.name for path in paths])
    upper = np.triu_indices(len(paths), 1)
    similarities = (embeddings @ embeddings.T)[upper]
    same = (names[:, None] == names)[upper]
    assert similarities[~same].max() < SAME_PERSON
    assert similarities[same].min() > DIFFERENT_PERSON
    assert (similarities[same] > SAME_PERSON).mean() > 0.94
