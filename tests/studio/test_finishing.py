"""What a finished portrait says of its making, whatever its nets say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from facechain_ext.base.host import GeneratedImage
from facechain_ext.base.records import Face, Rejection, Score
from facechain_ext.config import PortraitConfig
from facechain_ext.portrait.infotext import source_of
from facechain_ext.studio import finishing
from facechain_ext.studio.finishing import Finisher

FACE = Face((1.0, 1.0, 7.0, 7.0), np.zeros((5, 2), np.float32), 0.9)
GOOD, BAD = Score(0.6), Score(None, Rejection.NO_FACE)
WHITE = np.full((8, 8, 3), 255, np.uint8)


def finisher(
    monkeypatch: pytest.MonkeyPatch, score: Score, fused: Any, strength: float
) -> Finisher:
    parts: dict[str, Any] = {
        "judge": lambda *_: (score, FACE if score.ranked else None),
        "fuse": lambda picture, *_, **__: picture if fused is None else fused,
        "fusion_note": lambda *_: None,
        "choose_template_for": lambda *_: None,
    }
    for name, part in parts.items():
        monkeypatch.setattr(finishing, name, part)

    nets: Any = SimpleNamespace(landmarker=SimpleNamespace(locate=lambda *_: None))
    config = PortraitConfig(fusion_strength=strength)
    nobody: Any = None
    return Finisher(nobody, nets, "Ana", "fcsks", (), nobody, config)


@pytest.mark.parametrize(
    ("score", "fused", "strength", "source"),
    [
        (GOOD, WHITE, 0.6, "compositeWithTrainedAlgorithmicMedia"),
        (GOOD, WHITE, 0.0, "trainedAlgorithmicMedia"),
        (GOOD, None, 0.6, "trainedAlgorithmicMedia"),
        (BAD, WHITE, 0.6, "trainedAlgorithmicMedia"),
    ],
)
def test_a_picture_is_a_composite_only_where_a_photo_was_blended_in(
    monkeypatch: pytest.MonkeyPatch, score: Score, fused: Any, strength: float, source: str
) -> None:
    drawn = GeneratedImage(np.zeros((8, 8, 3), np.uint8), 1, "a man\nSteps: 20, Seed: 1")
    portrait = finisher(monkeypatch, score, fused, strength).finish(drawn)
    assert source_of(portrait.infotext) == source


def test_what_the_host_could_not_do_is_noted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done = finisher(monkeypatch, BAD, None, 0.0)
    for seed in (1, 2):
        pixels = np.zeros((8, 8, 3), np.uint8)
        done.finish(GeneratedImage(pixels, seed, "a man\nSteps: 2", ("LoRA not found: x.",)))
    assert done.notes == ["LoRA not found: x."]
