"""The outline of a dressed person against what is behind: no rim of the old clothes stays."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.imaging.blend import composite
from facechain_ext.imaging.masks import within

_RIM = 0.03
"""How far from the outline a rim may reach, in face heights."""

_BEHIND = 0.02
"""Share of person below which a pixel is of what is behind."""


def over_backdrop(cloth: Pixels, photo: Pixels, alpha: Mask, person: Mask, unit: float) -> Pixels:
    """Lay cloth on a photo; along the outline, on what is behind instead of on the old clothes."""
    width = max(2, round(_RIM * unit))
    behind = within(np.asarray(person * (0.5 / _BEHIND), np.float32), width) == 0
    if not behind.any():
        return composite(cloth, photo, alpha)
    rim = within(behind.astype(np.float32), 3 * width) * (person < 1 - _BEHIND)
    outside = composite(cloth, _drawn_in(photo, behind), person)
    inside = composite(cloth, photo, alpha)
    return composite(outside, inside, np.asarray(rim * (alpha > 0.05), np.float32))


def _drawn_in(photo: Pixels, behind: NDArray[np.bool_]) -> Pixels:
    """Go on with what is behind a person under their outline."""
    _, labels = cv2.distanceTransformWithLabels(
        (~behind).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(behind)
    places = np.zeros((int(labels.max()) + 1, 2), np.int64)
    places[labels[rows, columns]] = np.column_stack([rows, columns])
    return np.asarray(photo[tuple(np.moveaxis(places[labels], -1, 0))], np.uint8)
