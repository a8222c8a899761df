"""What is seen between open lips: teeth, a tongue that goes down with the jaw, and the dark."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facechain_ext.base.records import Mask, Pixels
from facechain_ext.portrait.regions import smoothstep
from facechain_ext.talking.face_frame import FaceFrame, Field
from facechain_ext.talking.grids import Grid
from facechain_ext.talking.teeth import Teeth

_DARK = np.array([0.2, 0.09, 0.08])
_TONGUE = np.array([0.68, 0.36, 0.35])
"""Colours over the light of the skin."""
_LIP_SHADOW, _CORNER_SHADOW = 0.72, 0.55
_SHADOW_REACH = 0.07
"""How far a lip's shadow reaches, in half mouths."""

Light = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class MouthInside:
    """light: how bright the face is, 0..255."""

    frame: FaceFrame
    grid: Grid
    teeth: Teeth
    light: float

    def draw(self, places: Field, opening: float, lips: Mask) -> Pixels:
        """Return the inside at places of the portrait (H, W, 2).

        opening: 0..1. lips: what lips cover there, 0..1; they throw shadow.
        """
        across, down = np.moveaxis(self.frame.local(places), -1, 0)
        cavity = self._cavity(across, down, opening)
        offset = np.array(self.grid.box[:2], np.float32)
        pixels, mask = (
            cv2.remap(part, places - offset, None, cv2.INTER_LINEAR)
            for part in (self.teeth.pixels, self.teeth.mask)
        )
        mixed = cavity + (pixels - cavity) * mask[..., None]
        shaded: Pixels = np.clip(mixed * self._shade(across, lips)[..., None], 0, 255)
        return shaded.astype(np.uint8)

    def _cavity(
        self, across: NDArray[np.float64], down: NDArray[np.float64], opening: float
    ) -> NDArray[np.float32]:
        bottom = 0.28 * opening
        tongue = smoothstep(np.hypot(across / 0.66, (down - bottom) / 0.2), 1.0, 0.35)
        depth = smoothstep(down, 0.2 * bottom, 0.8 * bottom + 0.02) * tongue
        colour = _DARK + (_TONGUE - _DARK) * depth[..., None]
        return np.asarray(self.light * colour, np.float32)

    def _shade(self, across: NDArray[np.float64], lips: Mask) -> Light:
        spread = max(0.8, _SHADOW_REACH * self.frame.half_mouth)
        near = cv2.GaussianBlur(lips, (0, 0), spread)
        corners = np.clip(np.abs(across), 0, 1) ** 3
        shade: Light = (1 - _LIP_SHADOW * near) * (1 - _CORNER_SHADOW * corners)
        return np.asarray(shade, np.float32)
