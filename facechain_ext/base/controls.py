"""Pictures that lead a drawing: a pose, a depth map, edges, each for a ControlNet of its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Pixels

ControlKind = Literal["pose", "depth", "canny", "soft_edges"]

TITLES: dict[ControlKind, str] = {
    "pose": "a pose",
    "depth": "depth",
    "canny": "hard edges",
    "soft_edges": "soft edges",
}
IN_FILE_NAMES: dict[ControlKind, tuple[str, ...]] = {
    "pose": ("openpose",),
    "depth": ("depth",),
    "canny": ("canny",),
    "soft_edges": ("softedge", "hed"),
}
"""What the names of published ControlNets say, in small letters."""


@dataclass(frozen=True, eq=False)
class Depth:
    """How near everything in a picture is, grey (H, W), what is near white; by: who says so."""

    picture: NDArray[np.uint8]
    by: str


@dataclass(frozen=True, eq=False)
class Control:
    """A condition picture, as a ControlNet of its kind expects it, that leads the drawing.

    weight: 1 as trained. start, end: shares of the steps between which it leads, 0..1.
    """

    kind: ControlKind
    picture: Pixels
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
