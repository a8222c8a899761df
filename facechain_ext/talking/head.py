"""The head moves a little on its neck; shoulders and background stay where they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask
from facechain_ext.portrait.regions import smoothstep
from facechain_ext.talking.face_frame import FaceFrame, Field
from facechain_ext.talking.grids import Grid, boxed

_TILT = 1.1
"""Degrees."""
_SLIDE, _PARALLAX, _LIFT = 0.008, 0.022, 0.012
"""Shares of the face's width: how far the whole head goes, how much further its nose."""
_BROWS = 0.018
_BROW_POINTS = ((46, 53, 52, 65, 55), (285, 295, 282, 283, 276))
_STEP = 8
_NECK = 0.62
"""Where the motion has died away below the chin, in face heights."""


@dataclass(frozen=True)
class HeadPose:
    """As `Gestures` at one frame."""

    turn: float = 0.0
    nod: float = 0.0
    tilt: float = 0.0
    brows: float = 0.0

    @property
    def still(self) -> bool:
        return self == HeadPose()


@dataclass(frozen=True, eq=False)
class HeadRig:
    """How far what is seen at each pixel of the grid's box has moved."""

    frame: FaceFrame
    grid: Grid

    @cached_property
    def share(self) -> Mask:
        """What of the head's motion each node takes part in: 1 the head .. 0 the shoulders."""
        chin = self.frame.place(0, 0.75)
        below = (self.grid.nodes - chin) @ self.frame.down / self.frame.height
        return smoothstep(below, _NECK, 0.0)

    def back(self, pose: HeadPose) -> Field:
        """Return for every pixel of the box from how far away comes what is seen there."""
        width = self.frame.width
        slide = _SLIDE * width * (pose.turn * self.frame.right + pose.nod * self.frame.down)
        deep = width * (
            _PARALLAX * pose.turn * self.frame.right + _LIFT * pose.nod * self.frame.down
        )
        moved = slide + self._depth[..., None] * deep + self._turned(pose.tilt)
        moved = moved * self.share[..., None] - self._brows * pose.brows
        return self.grid.enlarged(-moved.astype(np.float32))

    def _turned(self, tilt: float) -> NDArray[np.float64]:
        angle = math.radians(_TILT * tilt)
        cos, sin = math.cos(angle), math.sin(angle)
        arm = self.grid.nodes - self.frame.place(0, 1 + 0.4 * self.frame.height / self.frame.jaw)
        return np.asarray(arm @ np.array([[cos, sin], [-sin, cos]]) - arm)

    @cached_property
    def _depth(self) -> NDArray[np.float64]:
        """Return 1 at the nose, 0 at the outline of the face, less behind it."""
        apart = self.grid.nodes - self.frame.place(0, -0.55)
        across = apart @ self.frame.right / (0.5 * self.frame.width)
        down = apart @ self.frame.down / (0.62 * self.frame.height)
        far = across**2 + down**2
        return 1 - 1.5 * far / (1 + 0.5 * far)

    @cached_property
    def _brows(self) -> NDArray[np.float64]:
        """Return how far raised brows go: bumps around them that end above the eyes."""
        height = np.zeros(self.grid.nodes.shape[:2])
        for brow in _BROW_POINTS:
            middle = self.frame.mesh[list(brow)].astype(np.float64).mean(axis=0)
            apart = self.grid.nodes - middle
            across = apart @ self.frame.right / (0.17 * self.frame.width)
            down = apart @ self.frame.down / (0.075 * self.frame.height)
            height += np.exp(-(across**2 + down**2) / 2)
        return _BROWS * self.frame.width * height[..., None] * self.frame.down


def rig_head(frame: FaceFrame, person: Mask) -> HeadRig:
    """Take in all of a picture that belongs to the head and its surroundings."""
    height, width = person.shape
    low = np.array([0.0, 0.0])
    chin = frame.place(0, 1) + (_NECK + 0.1) * frame.height * frame.down
    sure = np.argwhere(person > 0.05)
    if len(sure):
        margin = 0.12 * frame.width
        low = np.maximum(low, sure.min(axis=0)[::-1] - margin)
        right = min(width - 1.0, float(sure[:, 1].max()) + margin)
    else:
        right = width - 1.0
    box = boxed(low, np.array([right, min(height - 1.0, float(chin[1]))]), (height, width))
    return HeadRig(frame, Grid(box, _STEP))
