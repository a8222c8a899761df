"""How large a pose has a portrait's face: made to fit between the limits, or refused before."""

from __future__ import annotations

import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.config import PortraitConfig
from facechain_ext.imaging.openpose import Skeleton

BOX = 1.4
"""Longer side of a detected face over that of its points, which end at the brows, at most."""


def fitted(pose: Skeleton, shape: tuple[int, int], config: PortraitConfig) -> Skeleton:
    """Make a pose smaller, about the picture's middle, whose face would be judged too large.

    shape: the portraits' width and height, in any unit.
    """
    share = face_share(pose, shape)
    return pose.moved(0, 0, min(1.0, config.max_face_share / (BOX * share))) if share else pose


def require_judged(pose: Skeleton, shape: tuple[int, int], config: PortraitConfig) -> None:
    """Raises InvalidInput for a face that is surely too large or too small to be let through."""
    share = face_share(pose, shape)
    if share > config.max_face_share:
        raise InvalidInput(
            f"The pose's face takes {share:.0%} of the picture, and those above "
            f"{config.max_face_share:.0%} are set aside: make the pose smaller, or allow a larger "
            "face."
        )
    if 0 < BOX * share < config.min_face_share:
        raise InvalidInput(
            f"The pose's face takes {share:.0%} of the picture, and those below "
            f"{config.min_face_share:.0%} are set aside: make the pose larger, or allow a smaller "
            "face."
        )


def face_share(pose: Skeleton, shape: tuple[int, int]) -> float:
    """Return the longer side of a pose's face over the picture's shorter one; 0 without a face."""
    seen = pose.face[np.isfinite(pose.face).all(axis=1)] * shape
    return float(np.ptp(seen, axis=0).max()) / min(shape) if len(seen) > 1 else 0.0
