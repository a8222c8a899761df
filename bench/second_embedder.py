"""A second opinion on identity for the bench: dlib's ResNet, which takes no part in the product.

Needs the packages dlib-bin and face_recognition_models, which nothing else here uses.
"""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path
from typing import Any

import numpy as np

from facechain_ext.base.records import Embedding, Face, Pixels
from facechain_ext.imaging.geometry import similarity_transform, warp

logger = logging.getLogger(__name__)

WEIGHTS = "dlib_face_recognition_resnet_model_v1.dat"

_SIDE = 150
# Where YuNet sees eyes, nose tip and mouth corners in dlib's chips of 64 pixels with padding 0.2,
# as measured for the age and gender nets; the recognition net wants 150 pixels, padding 0.25.
_IN_CHIP = np.array(
    [(18.8, 18.17), (44.2, 18.17), (31.5, 32.68), (20.55, 43.69), (42.45, 43.69)], np.float32
)
_TEMPLATE = (((_IN_CHIP + 0.5) / 64 * 1.4 - 0.2 + 0.25) / 1.5 * _SIDE - 0.5).astype(np.float32)


class DlibEmbedder:
    """Measures identity; the same interface as the product's Embedder."""

    def __init__(self, weights: Path) -> None:
        import dlib  # type: ignore[import-not-found, unused-ignore]

        self._network: Any = dlib.face_recognition_model_v1(str(weights))

    def embed(self, pixels: Pixels, face: Face) -> Embedding:
        """Return the face's identity, (128,), unit norm."""
        chip = warp(pixels, similarity_transform(face.landmarks, _TEMPLATE), (_SIDE, _SIDE))
        raw = np.asarray(self._network.compute_face_descriptor(np.ascontiguousarray(chip)))
        return np.asarray(raw / np.linalg.norm(raw), np.float32)


def second_embedder() -> DlibEmbedder | None:
    """Return the second embedder, or None with a word in the log where it is not installed."""
    weights = _find_weights()
    if weights is None or importlib.util.find_spec("dlib") is None:
        logger.warning(
            "No second embedder: install dlib-bin and face_recognition_models to have one."
        )
        return None
    return DlibEmbedder(weights)


def _find_weights() -> Path | None:
    """Find the weights without importing their package, which needs the long gone pkg_resources."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "models" / WEIGHTS
    return path if path.is_file() else None
