from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facechain_ext.base.records import Embedding, Pixels, Portrait, Rejection, Score
from facechain_ext.config import PortraitConfig
from facechain_ext.nets import FaceNets
from facechain_ext.portrait.rank import judge, rank

CONFIG = PortraitConfig()


@pytest.fixture(scope="module")
def nets() -> FaceNets:
    return FaceNets()


@pytest.fixture(scope="module")
def reference(nets: FaceNets) -> Embedding:
    face = nets.detector.detect(astronaut())[0]
    return nets.embedder.embed(astronaut(), face)


def head() -> Pixels:
    return np.ascontiguousarray(astronaut()[:300, 60:360])


def test_a_portrait_is_measured(nets: FaceNets, reference: Embedding) -> None:
    score, face = judge(head(), nets, reference, CONFIG)
    assert score.ranked
    assert score.similarity == pytest.approx(1, abs=0.05)
    assert face is not None


def test_nobody_is_no_face(nets: FaceNets, reference: Embedding) -> None:
    blank = np.full((192, 192, 3), 90, np.uint8)
    assert judge(blank, nets, reference, CONFIG) == (Score(None, Rejection.NO_FACE), None)


@pytest.mark.parametrize(
    ("config", "rejection"),
    [
        (PortraitConfig(min_face_share=0.9, max_face_share=1), Rejection.FACE_TOO_SMALL),
        (PortraitConfig(min_face_share=0.01, max_face_share=0.2), Rejection.FACE_TOO_LARGE),
    ],
)
def test_the_size_limits_are_the_configs(
    nets: FaceNets, reference: Embedding, config: PortraitConfig, rejection: Rejection
) -> None:
    score, _ = judge(head(), nets, reference, config)
    assert score.rejection is rejection
    assert not score.ranked


def test_two_people_are_no_portrait_but_a_far_one_is_overlooked(
    nets: FaceNets, reference: Embedding
) -> None:
    two = np.concatenate([head(), head()], axis=1)
    assert judge(two, nets, reference, CONFIG)[0].rejection is Rejection.SEVERAL_FACES
    far = head().copy()
    far[-75:, :75] = head()[::4, ::4]
    assert judge(far, nets, reference, CONFIG)[0].ranked


def portrait(seed: int, score: Score) -> Portrait:
    return Portrait(np.zeros((1, 1, 3), np.uint8), score, seed, "")


def test_ranking_is_by_likeness_and_stable() -> None:
    no_face = Score(None, Rejection.NO_FACE)
    scores = [Score(0.2), no_face, Score(0.7), Score(0.2), Score(0.9, Rejection.FACE_TOO_SMALL)]
    ranked, rejected = rank(portrait(seed, score) for seed, score in enumerate(scores))
    assert [p.seed for p in ranked] == [2, 0, 3]
    assert [p.seed for p in rejected] == [1, 4]
