"""Judging pictures by the face on them: is it one face, of a good size, and how alike is it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from facechain_ext.base.records import Embedding, Face, Pixels, Portrait, Rejection, Score
from facechain_ext.config import PortraitConfig
from facechain_ext.nets import FaceNets

_SECOND_SHARE = 0.04
"""Area of the picture from which any further face counts, so that no poster on a wall does."""

_RIVAL_SHARE = 0.5
"""Area of the largest face from which another one counts, however small both are."""


def judge(
    pixels: Pixels, nets: FaceNets, reference: Embedding, config: PortraitConfig
) -> tuple[Score, Face | None]:
    """Measure the largest face's likeness and tell why the picture should not be ranked.

    reference: the person's normalised mean embedding. A rejected picture keeps its similarity.
    The face is None only where none was found.
    """
    faces = nets.detector.detect(pixels)
    if not faces:
        return Score(None, Rejection.NO_FACE), None
    similarity = float(nets.embedder.embed(pixels, faces[0]) @ reference)
    return Score(similarity, rejection(faces, pixels.shape[:2], config)), faces[0]


def rejection(
    faces: Sequence[Face], shape: tuple[int, ...], config: PortraitConfig
) -> Rejection | None:
    """Return why a picture (height, width) with these faces, largest first, is put aside."""
    if not faces:
        return Rejection.NO_FACE
    if any(_counts(face, faces[0], shape[0] * shape[1]) for face in faces[1:]):
        return Rejection.SEVERAL_FACES
    share = max(faces[0].width, faces[0].height) / min(shape)
    if share < config.min_face_share:
        return Rejection.FACE_TOO_SMALL
    if share > config.max_face_share:
        return Rejection.FACE_TOO_LARGE
    return None


def _counts(face: Face, largest: Face, area: int) -> bool:
    return face.area >= min(_SECOND_SHARE * area, _RIVAL_SHARE * largest.area)


def rank(portraits: Iterable[Portrait]) -> tuple[list[Portrait], list[Portrait]]:
    """Split into ranked, most alike first, and rejected; equals keep their order."""
    judged = list(portraits)
    ranked = [portrait for portrait in judged if portrait.score.ranked]
    rejected = [portrait for portrait in judged if not portrait.score.ranked]
    return sorted(ranked, key=lambda portrait: -_similarity(portrait)), rejected


def _similarity(portrait: Portrait) -> float:
    assert portrait.score.similarity is not None
    return portrait.score.similarity
