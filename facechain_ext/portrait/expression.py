"""How far mouth and eyes are open, so that a fusion does not mix two states of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Points
from facechain_ext.nets.attributes import smile_score

INNER_LIPS = (
    78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
)  # fmt: skip
OUTER_LIPS = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
)  # fmt: skip
RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT_EYE = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)

CLOSED_EYES = 0.14


@dataclass(frozen=True)
class Expression:
    """mouth, eyes: opening over width, 0 closed. smile: above 0 it does, about -1..1."""

    mouth: float
    eyes: float
    smile: float

    @property
    def eyes_closed(self) -> bool:
        return self.eyes < CLOSED_EYES


def read_expression(landmarks: Points) -> Expression:
    """Read a face mesh (478, 2)."""
    points = landmarks.astype(np.float64)
    right = _ratio(points, (159, 145), (33, 133))
    left = _ratio(points, (386, 374), (362, 263))
    return Expression(
        _ratio(points, (13, 14), (61, 291)), (right + left) / 2, smile_score(landmarks)
    )


def _ratio(points: NDArray[np.float64], over: tuple[int, int], under: tuple[int, int]) -> float:
    height = np.hypot(*(points[over[0]] - points[over[1]]))
    return float(height / max(np.hypot(*(points[under[0]] - points[under[1]])), 1e-6))
