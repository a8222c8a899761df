"""What somebody in a picture wears below the waist, cut out of it."""

from __future__ import annotations

import numpy as np

from facechain_ext.base.errors import InvalidInput
from facechain_ext.base.records import Mask
from facechain_ext.tryon.beltline import find_beltline
from facechain_ext.tryon.figure import Figure
from facechain_ext.tryon.hands import arms
from facechain_ext.tryon.stance import read_stance


def worn_lower(figure: Figure) -> Mask:
    """Select clothes below the belt, without arms; raises InvalidInput where no belt is seen."""
    stance = read_stance(figure)
    belt = find_beltline(figure, stance)
    if belt is None:
        raise InvalidInput(
            f"Where the clothes below the waist begin in {figure.name} cannot be told: choose a "
            "picture with another colour above them, or of the garment alone."
        )
    rows = np.arange(len(figure.pixels))[:, None]
    below = np.clip(rows - belt.rows[None] + 0.5, 0, 1)
    return np.asarray(figure.cloth * below * (1 - arms(figure)), np.float32)
