from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.host import GenerationRequest
from facechain_ext.base.repainting import RepaintRequest

PIXELS = np.zeros((20, 30, 3), np.uint8)
MASK = np.ones((20, 30), np.float32)
DRAWING = GenerationRequest("a man")


def request(**changes: Any) -> RepaintRequest:
    return RepaintRequest(**{"drawing": DRAWING, "pixels": PIXELS, "mask": MASK, **changes})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mask": MASK.T}, r"\(20, 30\), not \(30, 20\)"),
        ({"mask": MASK * 0}, "empty"),
        ({"strength": 0.0}, "above 0 and at most 1, not 0.0"),
        ({"strength": 1.5}, "not 1.5"),
        ({"strength": float("nan")}, "not nan"),
        ({"blend": -1}, "0 or more, not -1"),
        ({"drawing": GenerationRequest("a", hires_scale=2)}, "second time"),
    ],
)
def test_what_cannot_be_painted_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        request(**changes)


@pytest.mark.parametrize(("strength", "steps"), [(1.0, 20), (0.5, 11), (0.01, 1)])
def test_only_the_steps_from_the_strength_on_are_taken(strength: float, steps: int) -> None:
    assert request(strength=strength).steps_of(20) == steps
