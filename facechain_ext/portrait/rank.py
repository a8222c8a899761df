"""Judge candidate portraits by what they show, and order them by likeness."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from facechain_ext.config import PortraitConfig
from facechain_ext.nets import FaceNets
from facechain_ext.records import Embedding, Face, Pixels, Portrait, Rejection, Score

SECOND_FACE_SHARE = 0.15
"""A second face counts from this share of the first one's area; smaller ones are background."""


def judge(
    pixels: Pixels, nets: FaceNets, reference: Embedding, config: PortraitConfig
) -> tuple[Score, Face | None]:
    """Measure a picture's likeness to a reference, or say why it cannot be a portrait.

    The face is None where there is none; a rejected picture of a face keeps its similarity.
    """
    faces = nets.detector.detect(pixels)
    if not faces:
        return Score(None, Rejection.NO_FACE), None
    face = faces[0]
    similarity = float(nets.embedder.embed(pixels, face) @ reference)
    return Score(similarity, _rejection(faces, pixels.shape, config)), face


def rank(portraits: Iterable[Portrait]) -> tuple[list[Portrait], list[Portrait]]:
    """Split into ranked, best first and ties in the order they came, and rejected."""
    everything = list(portraits)
    ranked = [portrait for portrait in everything if portrait.score.ranked]
    rejected = [portrait for portrait in everything if not portrait.score.ranked]
    return sorted(ranked, key=_similarity, reverse=True), rejected


def _rejection(
    faces: Sequence[Face], shape: tuple[int, ...], config: PortraitConfig
) -> Rejection | None:
    first, *others = faces
    if any(face.area >= SECOND_FACE_SHARE * first.area for face in others):
        return Rejection.SEVERAL_FACES
    share = max(first.width, first.height) / min(shape[:2])
    if share < config.min_face_share:
        return Rejection.FACE_TOO_SMALL
    if share > config.max_face_share:
        return Rejection.FACE_TOO_LARGE
    return None


def _similarity(portrait: Portrait) -> float:
    assert portrait.score.similarity is not None
    return portrait.score.similarity
