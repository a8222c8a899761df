"""SFace: a face as a point on a sphere (Zhong et al. 2021)."""

from __future__ import annotations

import numpy as np

from facechain_ext.base.records import Embedding, Face, Pixels
from facechain_ext.imaging.geometry import similarity_transform, warp
from facechain_ext.nets.network import Network, to_blob

SAME_PERSON = 0.40
"""From this similarity on, two photos show one person (on LFW 0.1 % missed, 0.04 % wrong)."""

DIFFERENT_PERSON = 0.30
"""Below this similarity, two photos show different people; in between, ask."""

_SIDE = 112
# Where ArcFace's training put the eyes, the nose tip and the mouth corners.
_TEMPLATE = (
    (38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655),
    (70.7299, 92.2041),
)  # fmt: skip


class Embedder:
    """Measures identity."""

    def __init__(self) -> None:
        self._network = Network("face_recognition_sface_2021dec_fp16.onnx")

    def embed(self, pixels: Pixels, face: Face) -> Embedding:
        """Return the face's identity, (128,), unit norm."""
        return self.measure(pixels, face)[0]

    def measure(self, pixels: Pixels, face: Face) -> tuple[Embedding, float]:
        """Return the identity and the raw feature's length, a sign of quality.

        Length: clean 10 to 15, below 9 poor, below 7.5 useless. It sees blur and covered parts,
        not low resolution: check the face's width too.
        """
        matrix = similarity_transform(face.landmarks, _TEMPLATE)
        (raw,) = self._network.run(to_blob(warp(pixels, matrix, (_SIDE, _SIDE)))).values()
        feature = raw.reshape(-1)
        norm = float(np.linalg.norm(feature))
        return (feature / max(norm, 1e-6)).astype(np.float32), norm
