"""How like a person pictures are: cosine similarity to the mean of their photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facechain_ext.base.records import Embedding, Instance, Pixels
from facechain_ext.nets import FaceNets


@dataclass(frozen=True, eq=False)
class Likeness:
    """Measures pictures against one reference identity."""

    nets: FaceNets
    reference: Embedding

    def of(self, pixels: Pixels) -> float | None:
        """Return the similarity of a picture's largest face, None where there is no face."""
        faces = self.nets.detector.detect(pixels)
        if not faces:
            return None
        return float(self.nets.embedder.embed(pixels, faces[0]) @ self.reference)

    def of_all(self, pictures: Sequence[Pixels]) -> tuple[float | None, ...]:
        return tuple(map(self.of, pictures))


def mean_embedding(instances: Sequence[Instance]) -> Embedding:
    """Return the normalised mean of the photos' embeddings, steadier than any one of them."""
    mean = np.mean([instance.embedding for instance in instances], axis=0)
    unit: Embedding = (mean / np.linalg.norm(mean)).astype(np.float32)
    return unit
