from __future__ import annotations

import cv2
import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Pixels
from facechain_ext.dataset.look_measure import BANDS, LookMeasure, features


def scene(seed: int, size: tuple[int, int] = (160, 120)) -> Pixels:
    """Coloured blobs with some grain."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    grain = rng.normal(0, 12, (size[1], size[0], 3))
    large = cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
    return np.clip(large + grain, 0, 255).astype(np.uint8)


def painted(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.stylization(pixels, sigma_s=40, sigma_r=0.5), np.uint8)


def test_a_looks_own_pictures_are_near_and_others_far() -> None:
    look = LookMeasure.of([painted(scene(seed)) for seed in range(12)])
    own = np.mean([look.distance(painted(scene(seed))) for seed in range(20, 26)])
    others = np.mean([look.distance(scene(seed)) for seed in range(20, 26)])
    assert own < 1.7
    assert others > 2 * own


def test_closeness_is_one_at_the_look_and_falls_with_the_distance() -> None:
    pictures = [scene(seed) for seed in range(12)]
    look = LookMeasure.of(pictures)
    far = np.zeros((50, 50, 3), np.uint8)
    near, none = look.closeness((pictures[0], far))
    assert near is not None
    assert none == pytest.approx(1 / look.distance(far))
    assert none < 0.3 < near <= 1


def test_size_and_shape_count_little() -> None:
    assert features(scene(1)).shape == (6 + 2 * BANDS,)
    assert np.abs(features(scene(1)) - features(scene(1, (165, 120)))).max() < 1


def test_a_look_without_pictures_is_none() -> None:
    with pytest.raises(InvalidInput, match="no picture"):
        LookMeasure.of([])
