"""Everybody whom a new face might be taken for, and whether it is taken for the right one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facechain_ext.base.records import Embedding, Face, Pixels, Rejection, Score
from facechain_ext.dataset.levelling import overlap
from facechain_ext.nets import FaceNets
from facechain_ext.nets.embedder import SAME_PERSON

_LEAST_OVERLAP = 0.3
"""Of two boxes (intersection over union), from which on they are of one place."""


@dataclass(frozen=True, eq=False)
class Acquaintance:
    """Judges one person's new face. person: their mean embedding. others: of all others, by name.

    Others who are the same person, under another name or in the template already, do not count.
    """

    person: Embedding
    others: Mapping[str, Embedding]

    def rival(self, shown: Embedding) -> str | None:
        """Return who a face is taken for rather than for the person; None for nobody."""
        own = float(shown @ self.person)
        nearer = {
            name: float(shown @ other)
            for name, other in self.others.items()
            if float(other @ self.person) < SAME_PERSON and float(shown @ other) >= own
        }
        return max(nearer, key=nearer.__getitem__, default=None)

    def judge(self, pixels: Pixels, place: Face, count: int, nets: FaceNets) -> Score:
        """Measure the face at a place; count: the faces that were in these pixels before."""
        faces = nets.detector.detect(pixels)
        here = [face for face in faces if overlap(face, place) > _LEAST_OVERLAP]
        if not here:
            return Score(None, Rejection.NO_FACE)
        shown = nets.embedder.embed(pixels, max(here, key=lambda face: overlap(face, place)))
        similarity = float(shown @ self.person)
        if len(here) > 1 or len(faces) > count:
            return Score(similarity, Rejection.SEVERAL_FACES)
        return Score(similarity, Rejection.NOT_ALIKE if self.rival(shown) else None)
