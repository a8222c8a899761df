"""What is measured of one template that people were put into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from facechain_ext.base.records import Embedding, Face, Pixels, Points
from facechain_ext.dataset.levelling import overlap
from facechain_ext.imaging.geometry import invert, transform_points
from facechain_ext.imaging.masks import dilate
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.head_mask import faces_mask
from facechain_ext.portrait.numbered import NumberedFace
from facechain_ext.portrait.place import Place
from facechain_ext.portrait.regions import face_height
from facechain_ext.portrait.seam import seam

Facts = dict[str, Any]


class FaceEmbedder(Protocol):
    def embed(self, pixels: Pixels, face: Face) -> Embedding: ...


def measure(
    before: Pixels,
    after: Pixels,
    faces: list[NumberedFace],
    cast: Mapping[int, str],
    known: Mapping[str, Mapping[str, Embedding]],
    embedders: Mapping[str, FaceEmbedder],
    nets: FaceNets,
) -> Facts:
    """Return facts of each exchanged face, and whether everything else is as it was.

    known: by embedder, everybody's mean embedding.
    """
    changed = [face for face in faces if face.number in cast]
    shape = before.shape[:2]
    painted = [_as_painted(face, before, nets) for face in changed]
    allowed = dilate(faces_mask(painted, shape), 3) > 0
    kept = faces_mask([face.mesh for face in faces if face.number not in cast], shape) > 0
    differs = (before != after).any(axis=2)
    found = nets.detector.detect(after)
    return {
        "outside": int((differs & ~allowed).sum()),
        "kept": int((differs & kept).sum()),
        "faces": [
            {
                "person": cast[face.number],
                **_edges(before, after, face),
                **_likeness(after, found, face, cast, known, embedders),
            }
            for face in changed
        ],
    }


def _as_painted(face: NumberedFace, before: Pixels, nets: FaceNets) -> Points:
    """Return a face's mesh as the product finds it in the square that it paints in.

    That of the whole picture is another one where a face is cut off by the picture's border.
    """
    place = Place.around(face.face, before, nets.landmarker)
    return transform_points(place.landmarks, invert(place.matrix))


def _edges(before: Pixels, after: Pixels, face: NumberedFace) -> Facts:
    """Measure the edge along the face's outline, before and after."""
    outline = faces_mask([face.mesh], before.shape[:2])
    width = max(1, round(0.015 * face_height(face.mesh)))
    return {
        "seam_before": seam(before, outline, width=width),
        "seam_after": seam(after, outline, width=width),
    }


def _likeness(
    after: Pixels,
    found: list[Face],
    face: NumberedFace,
    cast: Mapping[int, str],
    known: Mapping[str, Mapping[str, Embedding]],
    embedders: Mapping[str, FaceEmbedder],
) -> Facts:
    here = max(found, key=lambda other: overlap(other, face.face), default=None)
    if here is None or overlap(here, face.face) < 0.3:
        return {"nearest": None}
    facts: Facts = {}
    for label, embedder in embedders.items():
        shown = embedder.embed(after, here)
        near = {name: float(shown @ mean) for name, mean in known[label].items()}
        facts[label] = {
            "similarity": near[cast[face.number]],
            "nearest": max(near, key=near.__getitem__),
        }
    nearest = facts["sface"]["nearest"]
    swapped = nearest != cast[face.number] and nearest in cast.values()
    return {**facts, "nearest": nearest, "swapped": swapped}


def mean_of(embeddings: list[Embedding]) -> Embedding:
    mean = np.mean(embeddings, axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)
