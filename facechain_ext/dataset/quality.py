"""One number for how much a training picture tells about a face."""

from __future__ import annotations

import math

_USELESS_NORM, _CLEAN_NORM = 7.5, 13.0
_GOOD_FACE_PX = 200.0
_CRISP = 0.6


def quality(*, norm: float, face_px: float, yaw: float, sharpness: float) -> float:
    """Rate a picture 0 (tells nothing) to 1: the product of what each measure leaves of it.

    norm: length of the raw identity feature; 7.5 counts 0, 13 and more count 1, linearly.
        Falls with blur, covered parts and odd light, but not with low resolution.
    face_px: shorter side of the face in the photo; counts sqrt(px / 200), at most 1.
    yaw: -1..1 as from `geometry.yaw_ratio`; counts 1 - yaw ** 2, so slight turns cost little.
    sharpness: as from `cutout.face_sharpness`; counts 0.5 (none) to 1 (0.6), linearly.
    """
    return math.prod(
        (
            _share(norm - _USELESS_NORM, _CLEAN_NORM - _USELESS_NORM),
            math.sqrt(_share(face_px, _GOOD_FACE_PX)),
            1 - min(1.0, yaw * yaw),
            0.5 + 0.5 * _share(sharpness, _CRISP),
        )
    )


def _share(value: float, full: float) -> float:
    return min(1.0, max(0.0, value / full))
